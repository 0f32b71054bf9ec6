import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contextDirectory, readDockerfile, readIgnoreFile } from '../../../../src/cli/sources/context-files.js';
import type { TsbuildError } from '../../../../src/support/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-context-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const write = (name: string, text: string | Buffer): Promise<void> => writeFile(join(folder, name), text);
const failure = (promise: Promise<unknown>): Promise<TsbuildError> =>
  promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: unknown) => error as TsbuildError,
  );

describe('contextDirectory()', () => {
  test('is absolute', async () => {
    await mkdir(join(folder, 'sub'));
    expect(contextDirectory('sub', folder)).toBe(join(folder, 'sub'));
    expect(contextDirectory('.', folder)).toBe(folder);
  });

  test.each([
    ['nosuch', 'cannot use build context "nosuch": no such folder'],
    ['file', 'cannot use build context "file": it is a file'],
    ['file/sub', 'cannot use build context "file/sub": a part of the path is no folder'],
    ['loop', 'cannot use build context "loop": too many symbolic links'],
  ])('refuses %s', async (path, message) => {
    await write('file', '');
    await symlink('loop', join(folder, 'loop'));
    const error = await failure((async () => contextDirectory(path, folder))());
    expect([error.code, error.message]).toEqual(['CONTEXT_INVALID', message]);
    expect(error.hint).toBeDefined();
  });
});

describe('readDockerfile()', () => {
  const here = (): { context: string; cwd: string } => ({ context: folder, cwd: folder });

  test('prefers Dockerfile to dockerfile', async () => {
    await write('dockerfile', 'FROM b');
    expect(await readDockerfile(undefined, here())).toMatchObject({ name: 'dockerfile', text: 'FROM b' });
    await write('Dockerfile', 'FROM a');
    expect(await readDockerfile(undefined, here())).toMatchObject({ name: 'Dockerfile', text: 'FROM a' });
  });

  test('reads -f from the current folder, also outside of the context', async () => {
    await mkdir(join(folder, 'context'));
    await write('my.dockerfile', 'FROM a');
    const found = await readDockerfile('my.dockerfile', { context: join(folder, 'context'), cwd: folder });
    expect(found).toEqual({ name: 'my.dockerfile', path: join(folder, 'my.dockerfile'), text: 'FROM a' });
  });

  test('drops a byte order mark and takes Latin-1 in comments', async () => {
    await write(
      'Dockerfile',
      Buffer.concat([Buffer.from('\ufeff# by J'), Buffer.from([0xfc]), Buffer.from('rg\nFROM a\n')]),
    );
    expect((await readDockerfile(undefined, here())).text).toBe('# by J\ufffdrg\nFROM a\n');
  });

  test('takes a U+FFFD that is in the file for what it is', async () => {
    await write('Dockerfile', 'RUN echo \ufffd');
    expect((await readDockerfile(undefined, here())).text).toBe('RUN echo \ufffd');
  });

  test('takes a file of exactly the limit', async () => {
    await write('Dockerfile', '#'.repeat(1024 * 1024));
    expect((await readDockerfile(undefined, here())).text.length).toBe(1024 * 1024);
  });

  test.each<[string, string | Buffer, string]>([
    ['bytes of value 0', 'FROM a\0', 'it is no text, it has a byte of value 0'],
    ['other bytes than UTF-8', Buffer.from([0x41, 0x0a, 0xff, 0x0a]), 'line 2 is not UTF-8'],
    ['more than a mebibyte', '#'.repeat(1024 * 1024 + 1), 'it is larger than 1 MiB'],
  ])('refuses %s', async (_, content, state) => {
    await write('Dockerfile', content);
    const error = await failure(readDockerfile(undefined, here()));
    expect([error.code, error.message]).toEqual([
      'DOCKERFILE_NOT_FOUND',
      `cannot read Dockerfile "Dockerfile": ${state}`,
    ]);
  });

  test('refuses a folder', async () => {
    await mkdir(join(folder, 'Dockerfile'));
    const error = await failure(readDockerfile(undefined, here()));
    expect(error.message).toBe('cannot read Dockerfile "Dockerfile": it is a folder');
  });

  test('says what it looked for, and what there is instead', async () => {
    await write('Dockerfile.dev', '');
    await write('Containerfile', '');
    const error = await failure(readDockerfile(undefined, here()));
    expect(error.message).toBe('cannot find a Dockerfile in ".": neither Dockerfile nor dockerfile is there');
    expect(error.hint).toBe('There is Containerfile, Dockerfile.dev: name the one that you mean with -f.');
  });

  test('suggests a name for a mistyped one', async () => {
    await write('app.dockerfile', '');
    const error = await failure(readDockerfile('ap.dockerfile', here()));
    expect([error.message, error.hint]).toEqual([
      'cannot read Dockerfile "ap.dockerfile": no such file',
      'Did you mean -f app.dockerfile?',
    ]);
  });

  test('knows when -f was meant to be read from the context', async () => {
    await mkdir(join(folder, 'app'));
    await write('app/d', '');
    const error = await failure(readDockerfile('d', { context: join(folder, 'app'), cwd: folder }));
    expect(error.hint).toContain('give -f app/d.');
  });
});

describe('readIgnoreFile()', () => {
  test('is null without one', async () => {
    expect(await readIgnoreFile(folder, join(folder, 'Dockerfile'))).toBeNull();
  });

  test("prefers the Dockerfile's own", async () => {
    await write('.dockerignore', 'a');
    expect(await readIgnoreFile(folder, join(folder, 'x'))).toEqual({ name: '.dockerignore', text: 'a' });
    await write('x.dockerignore', 'b');
    expect(await readIgnoreFile(folder, join(folder, 'x'))).toEqual({ name: 'x.dockerignore', text: 'b' });
    expect(await readIgnoreFile(folder, undefined)).toEqual({ name: '.dockerignore', text: 'a' });
  });

  test('fails when it cannot be read, rather than to send everything', async () => {
    await mkdir(join(folder, '.dockerignore'));
    const error = await failure(readIgnoreFile(folder, undefined));
    expect([error.code, error.message]).toEqual([
      'CONTEXT_INVALID',
      'cannot read ignore file ".dockerignore": it is a folder',
    ]);
  });
});
