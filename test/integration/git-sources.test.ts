import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startFetching, type GitFetching } from '../support/git-fetching.js';
import {
  addIndexEntry,
  COMMIT_SECONDS,
  commitFiles,
  git,
  gitProgram,
  startDumbServer,
  startGitDaemon,
  type GitServer,
} from '../support/git-server.js';

describe.skipIf(gitProgram.skip)(`git sources (${gitProgram.reason})`, () => {
  let root: string;
  let server: GitServer;
  let fetching: GitFetching;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'git-root-'));
    server = await startGitDaemon(root);
  });
  afterAll(async () => {
    await server.stop();
    await rm(root, { recursive: true });
  });
  beforeEach(async () => {
    fetching = await startFetching();
  });
  afterEach(async () => {
    await fetching.end();
  });

  const address = (name: string): string => `${server.url}/${name}`;

  describe('pitfall 101: the tree of a repository', () => {
    test('is that of a checkout: plain modes, root-owned, at the time of the commit', async () => {
      await commitFiles(root, 'plain', {
        a: 'text',
        run: { executable: '#!/bin/sh\n' },
        link: { link: '../outside' },
        'd/e/f': 'deep',
        '.dockerignore': '*',
        '.gitattributes': '*.crlf text eol=crlf\nnot-in-archives export-ignore\nsubst export-subst\n',
        'x.crlf': 'one\ntwo\n',
        'not-in-archives': 'all the same',
        subst: '$Format:%H$',
      });
      expect(await fetching.list(address('plain'), { times: true })).toEqual([
        `.dockerignore file 644 0:0 "*" @${COMMIT_SECONDS}.0`,
        `.gitattributes file 644 0:0 70 bytes ae31c776 @${COMMIT_SECONDS}.0`,
        `a file 644 0:0 "text" @${COMMIT_SECONDS}.0`,
        `d directory 755 0:0 @${COMMIT_SECONDS}.0`,
        `d/e directory 755 0:0 @${COMMIT_SECONDS}.0`,
        `d/e/f file 644 0:0 "deep" @${COMMIT_SECONDS}.0`,
        `link symlink 0:0 =../outside @${COMMIT_SECONDS}.0`,
        `not-in-archives file 644 0:0 "all the same" @${COMMIT_SECONDS}.0`,
        `run file 755 0:0 "#!/bin/sh\\n" @${COMMIT_SECONDS}.0`,
        `subst file 644 0:0 "$Format:%H$" @${COMMIT_SECONDS}.0`,
        `x.crlf file 644 0:0 "one\\r\\ntwo\\r\\n" @${COMMIT_SECONDS}.0`,
      ]);
    });

    test('may be that of a branch, a tag, a commit or a full ref', async () => {
      const first = await commitFiles(root, 'refs', { f: 'first' });
      git(join(root, 'refs'), 'tag', '-a', 'annotated', '-m', 'x');
      git(join(root, 'refs'), 'tag', 'light');
      git(join(root, 'refs'), 'branch', 'release/1.0');
      const second = await commitFiles(root, 'refs', { f: 'second' });
      const old = [
        '#annotated',
        '#light',
        '#release/1.0',
        '#refs/tags/light',
        `#${first}`,
        '?tag=light',
        '?branch=release/1.0',
      ];
      for (const ref of old)
        expect(await fetching.list(address('refs') + ref), ref).toEqual(['f file 644 0:0 "first"']);
      for (const ref of ['', '#main', '#HEAD', `#${second}`, `?fetch-by-commit&checksum=${second}`]) {
        expect(await fetching.list(address('refs') + ref), ref).toEqual(['f file 644 0:0 "second"']);
      }
    });

    test('prefers a branch to a tag of the same name, as git does', async () => {
      await commitFiles(root, 'same', { f: 'tagged' });
      git(join(root, 'same'), 'tag', 'name');
      await commitFiles(root, 'same', { f: 'branched' });
      git(join(root, 'same'), 'branch', 'name');
      expect(await fetching.list(`${address('same')}#name`)).toEqual(['f file 644 0:0 "branched"']);
      expect(await fetching.list(`${address('same')}#refs/tags/name`)).toEqual(['f file 644 0:0 "tagged"']);
    });

    test('may be a folder of it, and no link to one', async () => {
      await commitFiles(root, 'folder', { 'a/b/c': 'x', 'a/bc': 'y', link: { link: 'a' } });
      expect(await fetching.list(`${address('folder')}#:a/b`)).toEqual(['c file 644 0:0 "x"']);
      expect(await fetching.list(`${address('folder')}#main:/a/../../a/`)).toContain('bc file 644 0:0 "y"');
      await expect(fetching.list(`${address('folder')}#:link`)).rejects.toThrow('it is a symlink');
      await expect(fetching.list(`${address('folder')}#:a/bc`)).rejects.toThrow('it is a file');
      await expect(fetching.list(`${address('folder')}#:nosuch`)).rejects.toThrow('there is no such folder');
    });

    test('has submodules in their folders, also relative ones and those of submodules', async () => {
      const inner = await commitFiles(root, 'inner', { deepest: 'x' });
      await withSubmodule('middle', { path: 'deps/inner', url: '../inner', commit: inner });
      const middle = git(join(root, 'middle'), 'rev-parse', 'HEAD');
      await withSubmodule('outer', { path: 'm', url: address('middle'), commit: middle });
      const all = await fetching.list(address('outer'));
      expect(all).toContain('m/deps/inner/deepest file 644 0:0 "x"');
      expect(await fetching.list(`${address('outer')}#:m/deps`)).toEqual([
        'inner directory 755 0:0',
        'inner/deepest file 644 0:0 "x"',
      ]);
      expect(await fetching.list(`${address('outer')}?submodules=0`)).not.toContain(
        'm/deps/inner/deepest file 644 0:0 "x"',
      );
    });

    test('says what is missing', async () => {
      await commitFiles(root, 'some', { f: 'x' });
      await expect(fetching.list(`${address('some')}#nosuch`)).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        message: `cannot fetch repository "${address('some')}": it has no ref "nosuch"`,
      });
      await expect(fetching.list(`${address('some')}#${'0'.repeat(40)}`)).rejects.toThrow('cannot fetch repository');
      await expect(fetching.list(address('nosuch'))).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    });
  });

  test('pitfall 103: the checksum of a repository is a commit or the beginning of one', async () => {
    const commit = await commitFiles(root, 'checked', { f: 'x' });
    await fetching.list(address('checked'), { checksum: commit });
    await fetching.list(address('checked'), { checksum: commit.slice(0, 7) });
    await fetching.list(`${address('checked')}#${commit}`, { checksum: commit });
    await expect(fetching.list(address('checked'), { checksum: 'ffff' })).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: `cannot use repository "${address('checked')}": it is not at the commit asked for`,
    });
  });

  test('pitfall 116: a ref is asked for in every build; a commit that is known is not fetched again', async () => {
    await commitFiles(root, 'moving', { f: 'first' });
    expect(await fetching.list(address('moving'))).toEqual(['f file 644 0:0 "first"']);
    const commit = await commitFiles(root, 'moving', { f: 'second' });
    expect(await fetching.list(address('moving'))).toEqual(['f file 644 0:0 "second"']);
    await rm(join(root, 'moving'), { recursive: true });
    expect(await fetching.list(`${address('moving')}#${commit}`)).toEqual(['f file 644 0:0 "second"']);
    await expect(fetching.list(address('moving'))).rejects.toThrow('cannot fetch repository');
  });

  test('a commit gives the same bytes in another store', async () => {
    await commitFiles(root, 'twice', { a: 'x', b: 'y' });
    const other = await startFetching();
    for (const keepGitDir of [false, true]) {
      const [one, two] = [
        await fetching.identity(address('twice'), { keepGitDir }),
        await other.identity(address('twice'), { keepGitDir }),
      ];
      expect(one).toBe(two);
    }
    await other.end();
  });

  describe('--keep-git-dir', () => {
    test('keeps a repository that git takes for one, without the secrets of its address', async () => {
      const commit = await commitFiles(root, 'kept', { f: 'x' });
      const listing = await fetching.list(`${address('kept')}#main`, { keepGitDir: true, times: true });
      expect(listing.filter((line) => !line.includes(`@${COMMIT_SECONDS}.0`))).toEqual([]);
      expect(listing.join('\n')).toContain('.git/refs/heads/main file 644 0:0 41 bytes');
      const blobs = await readdir(join(fetching.store.root, 'blobs', 'sha256'));
      const checkout = join(fetching.folder, 'checkout');
      await mkdir(checkout);
      execFileSync('tar', [
        '-xf',
        join(fetching.store.root, 'blobs', 'sha256', blobs[0] ?? ''),
        '-C',
        checkout,
        '--no-same-owner',
      ]);
      expect(git(checkout, 'rev-parse', 'HEAD')).toBe(commit);
      expect(git(checkout, 'status', '--porcelain')).toBe('');
      expect(git(checkout, 'config', 'remote.origin.url')).toBe(address('kept'));
      expect(git(checkout, 'log', '--format=%s')).toBe('x');
      expect(listing.filter((line) => line.includes('hooks'))).toEqual([]);
    });

    test('keeps none of a folder, as BuildKit', async () => {
      await commitFiles(root, 'part', { 'd/f': 'x' });
      expect(await fetching.list(`${address('part')}#:d`, { keepGitDir: true })).toEqual(['f file 644 0:0 "x"']);
    });
  });

  test('BUILDKIT_CONTEXT_KEEP_GIT_DIR keeps it in a build context, unless the address says not to', async () => {
    await commitFiles(root, 'context', { f: 'x' });
    const head = (query: string, keepGitDir: boolean): Promise<string | undefined> =>
      fetching.contextFile(`${address('context')}?ref=main${query}`, '.git/HEAD', { keepGitDir });
    expect(await head('', true)).toBeDefined();
    expect(await head('', false)).toBeUndefined();
    expect(await head('&keep-git-dir=false', true)).toBeUndefined();
    expect(await head('&keep-git-dir=true', false)).toBeDefined();
    expect(await fetching.contextFile(address('context'), 'f', { keepGitDir: true })).toBe('x');
  });

  test('a server of plain files, which knows no single commits, gives all it has', async () => {
    await commitFiles(root, 'dumb.git', { f: 'first' });
    const first = git(join(root, 'dumb.git'), 'rev-parse', 'HEAD');
    await commitFiles(root, 'dumb.git', { f: 'second' });
    const dumb = await startDumbServer(root);
    try {
      const dumbAddress = `${dumb.url}/dumb.git/.git`;
      expect(await fetching.list(dumbAddress)).toEqual(['f file 644 0:0 "second"']);
      expect(await fetching.list(`${dumbAddress}#${first}`)).toEqual(['f file 644 0:0 "first"']);
    } finally {
      await dumb.stop();
    }
  });

  test('user and password of an address reach its server, and nothing that the store keeps', async () => {
    await commitFiles(root, 'private', { f: 'x' });
    const dumb = await startDumbServer(root, 'me:s3cr3t@x');
    try {
      const secret = `${dumb.url.replace('//', '//me:s3cr3t%40x@')}/private/.git`;
      expect(await fetching.list(secret, { keepGitDir: true })).toContain('f file 644 0:0 "x"');
      const wrong = fetching.list(`${dumb.url.replace('//', '//me:s3cr3t-wrong@')}/private/.git#x`);
      await expect(wrong).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
      await expect(wrong).rejects.not.toThrow('s3cr3t');
      expect(
        execFileSync('grep', ['-rlaE', 's3cr3t', fetching.store.root, '--include=*', '-c', '-s'].slice(0, 3), {
          encoding: 'utf8',
        }).trim(),
      ).toBe('');
    } catch (error) {
      // grep's status 1 is what is wanted: nothing was found.
      if (!(error instanceof Error && 'status' in error && error.status === 1)) throw error;
    } finally {
      await dumb.stop();
    }
  });

  test('a token that is a secret reaches the server of a repository or a context, and nothing that the store keeps', async () => {
    await commitFiles(root, 'tokens', { f: 'x' });
    const dumb = await startDumbServer(root, 'x-access-token:t0k3n');
    const repository = `${dumb.url}/tokens/.git`;
    const other = await startFetching(process.env, { GIT_AUTH_TOKEN: Buffer.from('0th3r') });
    const host = new URL(dumb.url).host;
    const right = await startFetching(process.env, {
      GIT_AUTH_TOKEN: Buffer.from('0th3r'),
      [`GIT_AUTH_TOKEN.${host}`]: Buffer.from('t0k3n\n'),
    });
    try {
      await expect(fetching.list(repository)).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        hint: expect.stringContaining('--secret id=GIT_AUTH_TOKEN') as unknown,
      });
      await expect(other.list(repository)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
      await expect(other.list(repository)).rejects.not.toThrow('0th3r');
      expect(await right.list(repository)).toEqual(['f file 644 0:0 "x"']);
      expect(await right.contextFile(repository, 'f')).toBe('x');
      const encoded = Buffer.from('x-access-token:t0k3n').toString('base64');
      expect(await holds(right.store.root, `t0k3n|${encoded}`)).toBe(false);
      expect(await holds(right.store.root, '/git/[0-9a-f]{64}/HEAD$')).toBe(true);
    } finally {
      await other.end();
      await right.end();
      await dumb.stop();
    }
  });

  test('a host without git is told which package it needs', async () => {
    const poor = await startFetching({ PATH: '/nonexistent' });
    await expect(poor.list(address('any'))).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      hint: 'Install the package git, or fetch the files yourself and put them into the build context.',
    });
    await poor.end();
  });

  /** Whether a file below a folder has what is looked for, or is called so. */
  async function holds(folder: string, pattern: string): Promise<boolean> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const contents = await Promise.all(files.map((path) => readFile(path, 'latin1')));
    return [...files, ...contents].some((text) => new RegExp(pattern).test(text));
  }

  /** A repository whose `.gitmodules` says what is given, and whose commit has another's in that folder. */
  async function withSubmodule(name: string, submodule: { path: string; url: string; commit: string }): Promise<void> {
    const text = `[submodule "s"]\n\tpath = ${submodule.path}\n\turl = ${submodule.url}\n`;
    await commitFiles(root, name, { '.gitmodules': text });
    addIndexEntry(join(root, name), { mode: '160000', object: submodule.commit, path: submodule.path });
    await writeFile(join(root, name, '.gitmodules'), text);
    git(join(root, name), 'commit', '--quiet', '-m', 'submodule');
  }
});
