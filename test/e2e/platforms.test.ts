import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elfProgram } from '../../src/sandbox/calls/elf-program.js';
import { installedEmulators } from '../../src/sandbox/emulation/installed-emulators.js';
import { EmulatorNamespace } from '../../src/sandbox/emulation/emulator-namespace.js';
import { callProgram } from '../../src/sandbox/calls/call-program.js';
import { requirement } from '../support/require.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-platforms-'));
  writeFileSync(join(root, 'foreign'), elfProgram({ elfMachine: FOREIGN.elfMachine, code: FOREIGN.code }), {
    mode: 0o755,
  });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

async function run(...words: readonly string[]): Promise<CliResult> {
  return await tsbuild(words, { env: { TSBUILD_STORE: join(root, 'store') }, cwd: root });
}

async function build(dockerfile: string, ...words: readonly string[]): Promise<CliResult> {
  writeFileSync(join(root, 'Dockerfile'), dockerfile);
  return await run('build', '--progress=plain', ...words, '.');
}

const BOTH = ['--platform', 'linux/arm64,linux/amd64'];

describe('a build for several platforms', () => {
  const dockerfile = 'FROM scratch\nARG TARGETPLATFORM\nCOPY <<EOF /platform\n$TARGETPLATFORM\nEOF\n';

  test('makes an index that its names stand for, and files of each platform in a folder of its own', async () => {
    const outputs = ['-o', 'type=local,dest=files', '-o', 'type=oci,dest=image.tar', '--metadata-file', 'meta.json'];
    const built = await build(dockerfile, ...BOTH, '-t', 'multi', ...outputs);
    expect(built).toMatchObject({ exitCode: 0 });
    expect(built.stderr).toContain('[linux/arm64 1/1] COPY');
    expect(built.stderr).toMatch(
      /index sha256:\w+ \(.*\)\nimage sha256:\w+ for linux\/arm64\nimage sha256:\w+ for linux\/amd64\n/,
    );
    for (const platform of ['linux/arm64', 'linux/amd64']) {
      const file = join(root, 'files', platform.replace('/', '_'), 'platform');
      expect(readFileSync(file, 'utf8')).toBe(`${platform}\n`);
    }
    const meta = JSON.parse(readFileSync(join(root, 'meta.json'), 'utf8')) as Record<string, { mediaType: string }>;
    expect(meta['containerimage.descriptor']?.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(meta).not.toHaveProperty(['containerimage.config.digest']);
    await run('rmi', 'multi');
    expect(await run('load', '--platform', 'linux/arm64', '-i', 'image.tar')).toMatchObject({ exitCode: 0 });
    expect(await run('inspect', '-f', '{{.Architecture}}', 'multi')).toMatchObject({ stdout: 'arm64\n' });
  });

  test('refuses an output that has no place for an index, before anything is built', async () => {
    const { exitCode, stderr } = await build(dockerfile, ...BOTH, '-o', 'type=docker,dest=image.tar2');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('cannot make a type=docker output of several platforms');
    expect(existsSync(join(root, 'image.tar2'))).toBe(false);
  });

  test('refuses to put files of two platforms in one place', async () => {
    const { exitCode, stderr } = await build(dockerfile, ...BOTH, '-o', 'type=local,dest=one,platform-split=false');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('cannot write "/platform" of linux/amd64: linux/arm64 has it, too');
  });
});

/** Of a processor that is not this machine's: makes a file `/made`, or fails. */
const FOREIGN =
  process.arch === 'arm64'
    ? {
        ...{ platform: 'linux/amd64', elfMachine: 62 },
        // open("/made", O_WRONLY|O_CREAT|O_TRUNC, 0644); exit(fd < 0)
        code: 'b802000000 488d3d18000000 be41020000 baa4010000 0f05 c1e81f 89c7 b8e7000000 0f05 2f6d61646500',
      }
    : {
        ...{ platform: 'linux/arm64', elfMachine: 183 },
        // openat(AT_FDCWD, "/made", O_WRONLY|O_CREAT|O_TRUNC, 0644); exit(fd >> 63)
        code: '600c8092 01010010 224880d2 833480d2 080780d2 010000d4 00fc7fd3 a80b80d2 010000d4 2f6d61646500',
      };

async function canRegister(): Promise<boolean> {
  const architecture = FOREIGN.platform.slice('linux/'.length);
  if (!installedEmulators().some(({ kind }) => kind.architecture === architecture)) return false;
  if (process.geteuid?.() !== 0) return true;
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-emulators-'));
  try {
    const program = join(directory, 'program');
    writeFileSync(program, callProgram(process.arch), { mode: 0o700 });
    await using _namespace = await EmulatorNamespace.open(program, directory);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const qemu = requirement(
  'qemu',
  await canRegister(),
  'no emulator that a step can register (qemu-user-static, Linux 6.7)',
);

describe.skipIf(qemu.skip)(`steps for another processor (${qemu.reason})`, () => {
  const dockerfile = 'FROM scratch\nCOPY foreign /foreign\nRUN ["/foreign"]\n';

  test('run, and nothing is registered on the machine for that', async () => {
    const registered = await run('info', '--format', 'json');
    const built = await build(dockerfile, '--platform', FOREIGN.platform, '-o', 'type=local,dest=made');
    expect(built).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(root, 'made', 'made'))).toBe(true);
    const emulators = (json: string): unknown => (JSON.parse(json) as { emulators: unknown }).emulators;
    expect(emulators((await run('info', '--format', 'json')).stdout)).toEqual(emulators(registered.stdout));
    expect(emulators(registered.stdout)).toMatchObject({
      platforms: expect.arrayContaining([FOREIGN.platform]) as unknown,
    });
  });
});

test('a step of a processor that nothing here emulates fails before anything is done for it', async () => {
  const { exitCode, stderr } = await build('FROM scratch\nCOPY foreign /\nRUN ["/foreign"]\n', '--platform', 'wasm');
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('cannot run steps for "linux/wasm": this machine has no emulator for it');
  expect(stderr).toContain('Dockerfile:3');
});
