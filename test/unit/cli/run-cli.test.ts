import { symlink, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/tables/command-table.js';
import { writeOutputFile } from '../../../src/support/output-file.js';
import { findInvocation, runCli } from '../../../src/cli/run-cli.js';
import { storeRoot } from '../../../src/cli/store-root.js';
import { TsbuildError, type ErrorCode } from '../../../src/support/errors.js';
import type { Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { VERSION } from '../../../src/version.js';
import { testHost, type TestHostOptions } from './test-host.js';

describe('findInvocation()', () => {
  const find = (words: string[], path?: string): [string, readonly string[]] => {
    const { command, words: rest } = findInvocation(words, (word) => word === path);
    return [command.name, rest];
  };

  test.each<[string[], string | undefined, string, string[]]>([
    [[], undefined, 'help', []],
    [['--help'], undefined, 'help', ['--help']],
    [['--version'], undefined, 'version', []],
    [['-v'], undefined, 'version', []],
    [['images'], undefined, 'images', []],
    [['images'], 'images', 'images', []],
    [['--store', '/s', 'images', '-q'], undefined, 'images', ['--store', '/s', '-q']],
    [['-h', 'images'], undefined, 'images', ['-h']],
    [['-t', 'images', '.'], undefined, 'build', ['-t', 'images', '.']],
    [['dir'], 'dir', 'build', ['dir']],
    [['-'], undefined, 'build', ['-']],
    [['--store'], undefined, 'help', ['--store']],
  ])('reads %j', (words, path, name, rest) => {
    expect(find(words, path)).toEqual([name, rest]);
  });

  test.each([
    ['bild', 'cannot run "bild": no such command, and no such folder to build'],
    ['./bild', 'cannot run "./bild": no such folder, and no such command'],
  ])('refuses %s', (word, message) => {
    expect(() => find([word])).toThrow(message);
  });
});

describe('runCli()', () => {
  const run = async (words: string[], options?: TestHostOptions): Promise<[number, string, string]> => {
    const host = testHost(options);
    return [await runCli(words, host), host.output(), host.errors()];
  };

  test('prints the version', async () => {
    expect(await run(['--version'])).toEqual([0, `tsbuild ${VERSION}\n`, '']);
    expect(await run(['version'])).toEqual([0, `tsbuild ${VERSION}\n`, '']);
  });

  test('prints the commands, each with its summary', async () => {
    const [status, output, errors] = await run([]);
    expect([status, errors]).toEqual([0, '']);
    for (const { name, summary } of COMMANDS)
      expect(output).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 9)}`, 'm'));
    expect((await run(['help']))[1]).toBe(output);
    expect((await run(['--help']))[1]).toBe(output);
  });

  test.each(COMMANDS.filter(({ name }) => name !== 'help').map(({ name }) => name))('explains %s', async (name) => {
    const [status, output] = await run([name, '--help']);
    expect(status).toBe(0);
    expect(output).toMatch(new RegExp(`^Usage: {2}tsbuild ${name} \\[OPTIONS\\]`));
    expect((await run(['help', name]))[1]).toBe(output);
  });

  test('explains an option in a line of its own, and hides those that change nothing', async () => {
    const [, output] = await run(['build', '-h']);
    expect(output).toMatch(/\n {2}-t, --tag list +Name the image: name\[:tag\]\n/);
    expect(output).toMatch(/\n {6}--no-cache +Do not use the cache\n/);
    expect(output).not.toContain('--force-rm');
  });

  test('suggests the command that was meant', async () => {
    expect(await run(['imagse'])).toEqual([
      2,
      '',
      "error[USAGE]: cannot run \"imagse\": no such command, and no such folder to build\nhint: Did you mean 'tsbuild images'? See 'tsbuild --help'.\n",
    ]);
    expect((await run(['help', 'pul']))[0]).toBe(2);
  });

  test.each<[ErrorCode, number]>([
    ['USAGE', 2],
    ['DOCKERFILE_SYNTAX', 3],
    ['RUN_FAILED', 4],
    ['SANDBOX_UNAVAILABLE', 5],
    ['DIGEST_MISMATCH', 6],
    ['IMAGE_NOT_FOUND', 7],
    ['DISK_FULL', 8],
    ['ABORTED', 130],
  ])('ends with the status of %s', async (code, status) => {
    const images: Toolchain['images'] = () => Promise.reject(new TsbuildError(code, 'cannot'));
    expect((await run(['images'], { toolchain: { images } }))[0]).toBe(status);
  });

  test('ends with 1 for a mistake of its own', async () => {
    const images: Toolchain['images'] = () => Promise.reject(new Error('internal error: impossible'));
    const [status, , errors] = await run(['images'], { toolchain: { images } });
    expect([status, errors.split('\n')[0]?.startsWith('internal error:')]).toEqual([1, true]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('after %s says only that it was cancelled', async (signal, status) => {
    const controller = new AbortController();
    const images: Toolchain['images'] = () => {
      controller.abort(signal);
      return Promise.reject(new DOMException('aborted', 'AbortError'));
    };
    const options = { toolchain: { images }, signal: controller.signal };
    expect(await run(['images'], options)).toEqual([status, '', 'cancelled\n']);
  });

  test.each(['EPIPE', 'EIO', 'ENOSPC'])('keeps its status when standard error answers %s', async (code) => {
    const stderr = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error(code), { code }));
      },
    });
    stderr.on('error', () => undefined);
    expect(await runCli(['bild'], { ...testHost(), stderr })).toBe(2);
  });

  test('ends in silence when nobody reads its output', async () => {
    const images: Toolchain['images'] = () =>
      Promise.reject(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await run(['images'], { toolchain: { images } })).toEqual([141, '', '']);
  });

  test('opens the store that is named, before or after the command', async () => {
    const host = testHost({ cwd: '/here', toolchain: { images: () => Promise.resolve([]) } });
    await runCli(['--store', 'a', 'images'], host);
    await runCli(['images', '--store=/b'], host);
    expect(host.opened).toEqual([{ storeRoot: '/here/a' }, { storeRoot: '/b' }]);
  });
});

describe('storeRoot()', () => {
  test.each<[string, string | undefined, Record<string, string>, number, string]>([
    ['the option', 'o', { TSBUILD_STORE: '/e' }, 1000, '/here/o'],
    ['the variable', undefined, { TSBUILD_STORE: '/e' }, 0, '/e'],
    ['root', undefined, { XDG_DATA_HOME: '/x' }, 0, '/var/lib/tsbuild'],
    ['XDG_DATA_HOME', undefined, { XDG_DATA_HOME: '/x' }, 1000, '/x/tsbuild'],
    [
      'a relative XDG_DATA_HOME, which counts for nothing',
      undefined,
      { XDG_DATA_HOME: 'x' },
      1000,
      '/home/user/.local/share/tsbuild',
    ],
    ['everybody else', undefined, {}, 1000, '/home/user/.local/share/tsbuild'],
  ])('follows %s', (_, option, env, uid, expected) => {
    expect(storeRoot(option, testHost({ env, uid, cwd: '/here' }))).toBe(expected);
  });
});

describe('writeOutputFile()', () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('new'));
  }

  test('replaces what a symbolic link names, not the link', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tsbuild-output-'));
    try {
      await writeFile(join(folder, 'real'), 'old');
      await symlink('real', join(folder, 'link'));
      await writeOutputFile('link', bytes(), { cwd: folder, mode: 0o600 });
      expect([await readlink(join(folder, 'link')), await readFile(join(folder, 'real'), 'utf8')]).toEqual([
        'real',
        'new',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('writes into a device and leaves it one', async () => {
    await writeOutputFile('/dev/null', bytes(), { cwd: '/', mode: 0o600 });
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  test.each(['while nobody reads', 'while the reader pauses'])('can be cancelled at a pipe, %s', async (when) => {
    const folder = await mkdtemp(join(tmpdir(), 'tsbuild-output-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(Buffer.alloc(1 << 16));
    }
    const reader =
      when === 'while nobody reads' ? undefined : openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const writing = writeOutputFile(pipe, endless(), { cwd: '/', mode: 0o600, signal: controller.signal });
      setTimeout(() => {
        controller.abort('SIGINT');
      }, 20);
      await expect(writing).rejects.toBeInstanceOf(Error);
      expect(controller.signal.aborted).toBe(true);
    } finally {
      if (reader !== undefined) closeSync(reader);
      await rm(folder, { recursive: true });
    }
  });

  test('writes all of it into a pipe', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tsbuild-output-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    async function* much(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 40; count++) yield await Promise.resolve(Buffer.alloc(1 << 16, count));
    }
    try {
      const [read] = await Promise.all([readFile(pipe), writeOutputFile(pipe, much(), { cwd: '/', mode: 0o600 })]);
      expect([read.length, read.at(-1)]).toEqual([40 << 16, 39]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
