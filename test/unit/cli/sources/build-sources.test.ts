import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildRequest, ContextFile } from '../../../../src/builder/build-request.js';
import { readContextFile, unpackContext } from '../../../../src/builder/context/fetched-context.js';
import { runCli } from '../../../../src/cli/run-cli.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { tarOf, type Members } from '../../../support/archive-builder.js';
import { testHost, type TestHost } from '../test-host.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-sources-'));
  await writeFile(join(folder, 'Dockerfile'), 'FROM folder');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Run {
  readonly status: number;
  readonly request: BuildRequest | undefined;
  readonly host: TestHost;
  /** The addresses that were fetched. */
  readonly fetched: readonly string[];
}

async function build(
  words: string[],
  options: { stdin?: string | Buffer; remote?: Readonly<Record<string, ContextFile>> } = {},
): Promise<Run> {
  let request: BuildRequest | undefined;
  const fetched: string[] = [];
  const digest = digestOf('');
  const host = testHost({
    cwd: folder,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    toolchain: {
      build: (given) => {
        request = given;
        return Promise.resolve({
          imageId: digest,
          manifest: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 2 },
          platform: 'linux/amd64',
          stored: true,
          names: [],
          steps: { total: 1, cached: 0 },
        });
      },
      fetchContext: (address, { keepGitDir } = {}) => {
        fetched.push(keepGitDir === true ? `${address} with .git` : address);
        return Promise.resolve(options.remote?.[address]);
      },
      unpackContext: (source) => {
        const signal = new AbortController().signal;
        return unpackContext(source, { temporaryDirectory: folder }, { signal });
      },
      readContextFile: (context, path, limit) => readContextFile(context, path, limit),
    },
  });
  return { status: await runCli(['build', ...words], host), request, host, fetched };
}

async function archive(members: Members): Promise<ContextFile> {
  const path = join(folder, 'remote.tar');
  await writeFile(path, await tarOf(members));
  return { kind: 'archive', path };
}

describe('the build context', () => {
  const members: Members = [
    ['Dockerfile', 'FROM tar'],
    ['sub/other', 'FROM other'],
    ['.dockerignore', '*'],
  ];

  test.each([
    ['a tar archive', (tar: Buffer) => tar],
    ['a compressed one', (tar: Buffer) => gzipSync(tar)],
  ])('may be %s on standard input, with its own Dockerfile and no ignore file', async (_, form) => {
    const { request } = await build(['-'], { stdin: form(await tarOf(members)) });
    expect(request).toMatchObject({
      dockerfile: { name: 'Dockerfile', text: 'FROM tar' },
      contextDirectory: null,
      contextFile: { kind: 'archive' },
      ignore: null,
    });
  });

  test('may be an archive in which -f names the Dockerfile', async () => {
    const { request } = await build(['-f', './sub/../sub/other', '-'], { stdin: await tarOf(members) });
    expect(request?.dockerfile).toEqual({ name: './sub/../sub/other', text: 'FROM other' });
  });

  test('may spell the Dockerfile with a small letter, also in a folder', async () => {
    const small: Members = [
      ['dockerfile', 'FROM small'],
      ['sub/dockerfile', 'FROM sub'],
    ];
    expect((await build(['-'], { stdin: await tarOf(small) })).request?.dockerfile.text).toBe('FROM small');
    const within = await build(['-f', 'sub/Dockerfile', '-'], { stdin: await tarOf(small) });
    expect(within.request?.dockerfile.text).toBe('FROM sub');
  });

  test('never gives a Dockerfile from outside of an archive', async () => {
    const link: Members = [['Dockerfile', { symlink: join(folder, 'Dockerfile') }]];
    const { status, host } = await build(['-'], { stdin: await tarOf(link) });
    expect(status).toBe(3);
    expect(host.errors()).toContain(
      'error[DOCKERFILE_NOT_FOUND]: cannot read Dockerfile "Dockerfile": the build context',
    );
  });

  test('may be a repository or an archive elsewhere', async () => {
    for (const address of ['https://h/x.git#main:sub', 'https://h/x.tgz', 'git@h:x', 'github.com/a/b']) {
      const context = await archive(members);
      const { request, fetched } = await build([address], { remote: { [address]: context } });
      expect(fetched).toEqual([address]);
      expect(request).toMatchObject({ contextFile: context, dockerfile: { text: 'FROM tar' }, ignore: null });
    }
  });

  test('keeps .git where BUILDKIT_CONTEXT_KEEP_GIT_DIR says so', async () => {
    const remote = { 'https://h/x.git': await archive(members) };
    const fetchedWith = async (value: string): Promise<readonly string[]> =>
      (await build(['https://h/x.git', '--build-arg', `BUILDKIT_CONTEXT_KEEP_GIT_DIR=${value}`], { remote })).fetched;
    expect(await fetchedWith('1')).toEqual(['https://h/x.git with .git']);
    expect(await fetchedWith('false')).toEqual(['https://h/x.git']);
    expect(await fetchedWith('perhaps')).toEqual(['https://h/x.git']);
  });

  test('is a folder, where there is one of that name', async () => {
    await mkdir(join(folder, 'github.com', 'a', 'b'), { recursive: true });
    await writeFile(join(folder, 'github.com', 'a', 'b', 'Dockerfile'), 'FROM here');
    const { request, fetched } = await build(['github.com/a/b']);
    expect(fetched).toEqual([]);
    expect(request?.dockerfile.text).toBe('FROM here');
  });

  test('may be a Dockerfile elsewhere', async () => {
    const path = join(folder, 'fetched');
    await writeFile(path, 'FROM url');
    const context: ContextFile = { kind: 'file', path, name: 'context', modified: 0 };
    const { request } = await build(['http://h/Dockerfile'], { remote: { 'http://h/Dockerfile': context } });
    expect(request).toMatchObject({ dockerfile: { name: 'Dockerfile', text: 'FROM url' }, contextFile: context });
  });

  test('elsewhere goes with a Dockerfile from standard input, or from an absolute path', async () => {
    const remote = { 'https://h/x.git': await archive(members) };
    const piped = await build(['-f', '-', 'https://h/x.git'], { remote, stdin: 'FROM piped' });
    expect(piped.request?.dockerfile).toEqual({ name: 'stdin', text: 'FROM piped' });
    const own = await build(['-f', join(folder, 'Dockerfile'), 'https://h/x.git'], { remote });
    expect(own.request?.dockerfile.text).toBe('FROM folder');
  });

  test('goes with a Dockerfile from a URL', async () => {
    const path = join(folder, 'fetched');
    await writeFile(path, 'FROM url');
    const remote: Record<string, ContextFile> = {
      'https://h/Dockerfile': { kind: 'file', path, name: 'context', modified: 0 },
    };
    const { request } = await build(['-f', 'https://h/Dockerfile', '.'], { remote });
    expect(request).toMatchObject({ dockerfile: { text: 'FROM url' }, contextDirectory: folder });
    const refused = await build(['-f', 'https://h/other', '.'], {
      remote: { 'https://h/other': await archive(members) },
    });
    expect(refused.host.errors()).toContain('cannot read Dockerfile "https://h/other": it is no text');
  });

  test.each<[string, string[], Buffer | string | undefined, string]>([
    ['an archive for -f -', ['-f', '-', '.'], gzipSync('x'), 'from standard input: it is an archive'],
    ['a Dockerfile twice', ['-f', 'x', '-'], 'FROM x', 'the Dockerfile already comes from standard input'],
    ['an archive that is damaged', ['-'], gzipSync('FROM x'), 'cannot use the build context: it is cut off'],
    ['an archive that is cut off', ['-'], gzipSync(Buffer.alloc(9000)).subarray(0, 20), 'its gzip stream is cut off'],
    ['an address of no kind', ['ftp://h/x'], undefined, 'cannot use build context "ftp://h/x": no such folder'],
  ])('refuses %s', async (_, words, stdin, message) => {
    const { status, host } = await build(words, stdin === undefined ? {} : { stdin });
    expect(status).toBeGreaterThan(1);
    expect(host.errors()).toContain(message);
  });
});

describe('--build-context', () => {
  const named = async (word: string): Promise<BuildRequest['namedContexts']> =>
    (await build(['--build-context', word, '.'])).request?.namedContexts;

  test('may be a folder with its own ignore file', async () => {
    await mkdir(join(folder, 'more'));
    await writeFile(join(folder, 'more', '.dockerignore'), 'x');
    const source = { kind: 'directory', directory: join(folder, 'more'), ignore: { name: '.dockerignore', text: 'x' } };
    expect(await named('n=more')).toEqual([{ name: 'n', source }]);
    expect(await named('n::linux/arm64=./more')).toEqual([{ name: 'n::linux/arm64', source }]);
  });

  test.each([
    ['n=docker-image://alpine:3', { kind: 'image', reference: 'alpine:3' }],
    ['n=docker-image://a@sha256:1', { kind: 'image', reference: 'a@sha256:1' }],
    ['n=https://h/x.git#main', { kind: 'remote', address: 'https://h/x.git#main' }],
    ['n=git@h:x', { kind: 'remote', address: 'git@h:x' }],
    ['n=https://h/x.tar', { kind: 'remote', address: 'https://h/x.tar' }],
  ])('takes %s', async (word, source) => {
    expect(await named(word)).toEqual([{ name: 'n', source }]);
  });

  test('may be an image layout, with tag and digest', async () => {
    const directory = join(folder, 'layout');
    await mkdir(directory);
    const digest = digestOf('x');
    const source = { kind: 'layout', directory };
    expect(await named('n=oci-layout://layout')).toEqual([{ name: 'n', source: { ...source, tag: 'latest' } }]);
    expect(await named(`n=oci-layout://layout:v1@${digest}`)).toEqual([
      { name: 'n', source: { ...source, tag: 'v1', digest } },
    ]);
  });

  test('counts once for a name, the last time', async () => {
    const words = ['--build-context', 'n=docker-image://a', '--build-context', 'n=docker-image://b', '.'];
    expect((await build(words)).request?.namedContexts).toEqual([
      { name: 'n', source: { kind: 'image', reference: 'b' } },
    ]);
  });

  test.each([
    ['n', 'cannot use --build-context "n"'],
    ['=x', 'cannot use --build-context "=x"'],
    ['n=', 'cannot use --build-context "n="'],
    ['n=nosuch', 'cannot use build context "nosuch": no such folder'],
    ['n=target:x', 'there are no other targets here'],
    ['n=oci-layout://nosuch', 'cannot use build context "nosuch": no such folder'],
    ['n=https://h/x.git?bad=1', '"bad" is nothing that its query can say'],
  ])('refuses %s', async (word, message) => {
    const { host, request } = await build(['--build-context', word, '.']);
    expect(request).toBeUndefined();
    expect(host.errors()).toContain(message);
  });
});
