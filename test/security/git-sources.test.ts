import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFetching, type GitFetching } from '../support/git-fetching.js';
import {
  addIndexEntry,
  addObject,
  commitFiles,
  git,
  gitProgram,
  startDumbServer,
  startGitDaemon,
  type GitServer,
} from '../support/git-server.js';

// Attacks on those who fetch repositories, each by the advisory that told of it. Nothing may run, and nothing of the host may be read.

describe.skipIf(gitProgram.skip)(`repositories that attack (${gitProgram.reason})`, () => {
  let root: string;
  let canary: string;
  let server: GitServer;
  let fetching: GitFetching;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'git-attack-'));
    canary = join(root, 'canary');
    server = await startGitDaemon(root);
    fetching = await startFetching();
  });
  afterEach(async () => {
    await fetching.end();
    await server.stop();
    await rm(root, { recursive: true });
  });

  const address = (name: string): string => `${server.url}/${name}`;

  async function withGitmodules(name: string, gitmodules: string, paths: readonly string[] = ['s']): Promise<void> {
    const inner = await commitFiles(root, 'inner', { f: 'x' });
    await commitFiles(root, name, { '.gitmodules': gitmodules });
    for (const path of paths) addIndexEntry(join(root, name), { mode: '160000', object: inner, path });
    git(join(root, name), 'commit', '--quiet', '-m', 'submodules');
  }

  test.each([
    ['a folder of this host', (secret: string) => secret],
    ['a file URL', (secret: string) => `file://${secret}`],
    ['a transport that is a command', () => 'ext::sh -c touch% /tmp/never'],
    ['a helper of any name', () => 'fd::17'],
  ])('CVE-2022-39253: a submodule from %s is refused', async (_, url) => {
    const secret = join(root, 'secret');
    await commitFiles(root, 'secret', { password: 'hunter2' });
    await withGitmodules('local', `[submodule "s"]\n\tpath = s\n\turl = ${url(secret)}\n`);
    await expect(fetching.list(address('local'))).rejects.toThrow('it is on no other host');
  });

  test('CVE-2017-1000117: an address is never an option to ssh', async () => {
    await withGitmodules('ssh', `[submodule "s"]\n\tpath = s\n\turl = ssh://-oProxyCommand=touch%20${canary}/x\n`);
    await expect(fetching.list(address('ssh'))).rejects.toThrow();
    await expect(fetching.list(`ssh://-oProxyCommand=touch%20${canary}/x`)).rejects.toThrow('taken for an option');
    expect(existsSync(canary)).toBe(false);
  });

  test.each(['--upload-pack=touch CANARY', '-c', '--exec=touch CANARY'])(
    'CVE-2026-33748: a ref such as "%s" is never an option to git',
    async (ref) => {
      await commitFiles(root, 'plain', { f: 'x' });
      const written = encodeURIComponent(ref.replace('CANARY', canary));
      await expect(fetching.list(`${address('plain')}?ref=${written}`)).rejects.toThrow('is no name of a branch');
      await expect(fetching.list(`${address('plain')}#${written}`)).rejects.toThrow('is no name of a branch');
      expect(existsSync(canary)).toBe(false);
    },
  );

  test.each([
    ['sub', 'it is a symlink'],
    ['up', 'it is a symlink'],
    ['sub/init.d', 'there is no such folder'],
    ['up/etc', 'there is no such folder'],
    ['d/loop/d', 'there is no such folder'],
    ['../../../../etc', 'there is no such folder'],
  ])('CVE-2026-33748: the folder "%s" of a repository is none of the host', async (folder, state) => {
    const links = { sub: { link: '/etc' }, up: { link: '../../../../../..' }, 'd/loop': { link: '..' } };
    await commitFiles(root, 'linked', { f: 'x', 'd/f': 'y', ...links });
    await expect(fetching.list(`${address('linked')}#:${folder}`)).rejects.toThrow(state);
    await expect(fetching.contextFile(`${address('linked')}#:${folder}`, 'passwd')).rejects.toThrow(state);
  });

  test('CVE-2018-17456: a submodule that looks like an option is none', async () => {
    const options = `[submodule "s"]\n\tpath = s\n\turl = --upload-pack=touch ${canary}\n`;
    await withGitmodules('options', options);
    await expect(fetching.list(address('options'))).rejects.toThrow('it is on no other host');
    expect(existsSync(canary)).toBe(false);
  });

  test('CVE-2019-1387, CVE-2024-32002: a link in the place of a folder of a submodule writes nothing anywhere', async () => {
    const hook = `#!/bin/sh\ntouch ${canary}\n`;
    await withGitmodules('links', `[submodule "s"]\n\tpath = A/modules/s\n\turl = ${address('inner')}\n`, [
      'A/modules/s',
    ]);
    addObject(join(root, 'links'), { mode: '120000', path: 'a', content: '.git' });
    addObject(join(root, 'links'), { mode: '100755', path: 'A/hooks/post-checkout', content: hook });
    git(join(root, 'links'), 'commit', '--quiet', '-m', 'attack');
    expect(await fetching.list(address('links'))).toEqual(
      expect.arrayContaining(['A/modules/s/f file 644 0:0 "x"', 'a symlink 0:0 =.git']),
    );
    expect(existsSync(canary)).toBe(false);
  });

  test('CVE-2018-11235: the name of a submodule is no path', async () => {
    await withGitmodules(
      'names',
      `[submodule "../../hooks"]\n\tpath = s\n\turl = ${address('inner')}\n\tupdate = !touch ${canary}\n`,
    );
    expect(await fetching.list(address('names'))).toContain('s/f file 644 0:0 "x"');
    expect(existsSync(canary)).toBe(false);
  });

  test('CVE-2018-11235: .gitmodules that is a link is not read', async () => {
    await commitFiles(root, 'linked', { f: 'x' });
    const directory = join(root, 'linked');
    const link = gitInput(directory, '/etc/passwd', 'hash-object', '-w', '--stdin');
    const file = gitInput(directory, 'x', 'hash-object', '-w', '--stdin');
    const entries = `120000 blob ${link}\t.gitmodules\n100644 blob ${file}\tf\n`;
    const commit = git(directory, 'commit-tree', gitInput(directory, entries, 'mktree'), '-m', 'attack');
    git(directory, 'update-ref', 'refs/heads/attack', commit);
    const result = await fetching.list(`${address('linked')}#attack`).catch(String);
    // Versions of git differ in whether they give such a commit out at all.
    if (typeof result === 'string') expect(result).toContain("invalid path '.gitmodules'");
    else expect(result).toEqual(['.gitmodules symlink 0:0 =/etc/passwd', 'f file 644 0:0 "x"']);
  });

  test.each(['../outside', 'a/../../outside', '.git/config'])(
    'CVE-2023-22490: a commit with a file "%s" reaches no other folder',
    async (path) => {
      await commitFiles(root, 'paths', { f: 'x' });
      const directory = join(root, 'paths');
      const tree = nestedTree(directory, path.split('/'));
      const commit = git(directory, 'commit-tree', tree, '-m', 'attack');
      git(directory, 'update-ref', 'refs/heads/attack', commit);
      const result = await fetching.list(`${address('paths')}#attack`).catch(String);
      if (typeof result === 'string') expect(result).toMatch(/leads out of the root|cannot fetch|cannot read/);
      else expect(result).toEqual(['.git directory 755 0:0', '.git/config file 644 0:0 "attack"']);
      expect(existsSync(join(fetching.store.root, 'outside'))).toBe(false);
    },
  );

  test('a program that the files of the user or of the repository name is never started', async () => {
    const program = join(root, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${canary}\ncat\n`);
    await chmod(program, 0o755);
    await mkdir(join(fetching.folder, '.config', 'git'), { recursive: true });
    const config = `[core]\n\tsshCommand = ${program}\n\tfsmonitor = ${program}\n[filter "x"]\n\tsmudge = ${program}\n[credential]\n\thelper = ${program}\n`;
    await writeFile(join(fetching.folder, '.gitconfig'), config);
    await writeFile(join(fetching.folder, '.config', 'git', 'config'), config);
    await commitFiles(root, 'filters', { '.gitattributes': '* filter=x diff=x merge=x\n', f: 'x' });
    expect(await fetching.list(address('filters'))).toContain('f file 644 0:0 "x"');
    expect(existsSync(canary)).toBe(false);
  });

  test('the password of a repository goes to no other host, whatever its submodules say', async () => {
    const inner = await commitFiles(root, 'inner', { f: 'x' });
    const other = await startDumbServer(root);
    const own = await startDumbServer(root, 'me:secret');
    try {
      const url = other.url.replace('127.0.0.1', 'localhost');
      await commitFiles(root, 'outer', { '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ${url}/inner/.git\n` });
      addIndexEntry(join(root, 'outer'), { mode: '160000', object: inner, path: 's' });
      git(join(root, 'outer'), 'commit', '--quiet', '-m', 'x');
      git(join(root, 'outer'), 'update-server-info');
      git(join(root, 'inner'), 'update-server-info');
      await fetching.list(`${own.url.replace('//', '//me:secret@')}/outer/.git`);
      expect(own.authorizations.some((authorization) => authorization !== undefined)).toBe(true);
      expect(other.authorizations.length).toBeGreaterThan(0);
      expect(other.authorizations.filter((authorization) => authorization !== undefined)).toEqual([]);
    } finally {
      await other.stop();
      await own.stop();
    }
  });

  test('submodules of submodules end', async () => {
    const url = address('loop');
    await commitFiles(root, 'loop', { '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ${url}\n` });
    for (let round = 0; round < 12; round += 1) {
      addIndexEntry(join(root, 'loop'), {
        mode: '160000',
        object: git(join(root, 'loop'), 'rev-parse', 'HEAD'),
        path: 's',
      });
      git(join(root, 'loop'), 'commit', '--quiet', '-m', 'x');
    }
    await expect(fetching.list(url)).rejects.toThrow('its submodules go on for ever');
  });

  test('an address with what a terminal obeys is refused, and shown without', async () => {
    const failed = fetching.list(`${address('nosuch')}\u001b[31m`);
    await expect(failed).rejects.toThrow('nosuch [31m": it has control characters');
  });

  /** A tree object with one file at a path that no index takes. */
  function nestedTree(directory: string, names: readonly string[]): string {
    const [name = '', ...rest] = names;
    const object =
      rest.length === 0 ? gitInput(directory, 'attack', 'hash-object', '-w', '--stdin') : nestedTree(directory, rest);
    const entry = rest.length === 0 ? `100644 blob ${object}\t${name}\n` : `040000 tree ${object}\t${name}\n`;
    return gitInput(directory, entry, 'mktree', '--missing');
  }
});

function gitInput(directory: string, input: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-C', directory, ...args], { input, encoding: 'utf8' }).trim();
}
