import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elfProgram } from '../../src/sandbox/calls/elf-program.js';
import { canEmulate, FOREIGN_ARCHITECTURE, MAKERS, NO_EMULATOR } from '../support/makers.js';
import { requirement } from '../support/require.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-platforms-'));
  writeFileSync(join(root, 'foreign'), elfProgram(MAKERS[FOREIGN_ARCHITECTURE]), {
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

const qemu = requirement('qemu', await canEmulate(), NO_EMULATOR);
const FOREIGN = `linux/${FOREIGN_ARCHITECTURE}`;

describe.skipIf(qemu.skip)(`steps for another processor (${qemu.reason})`, () => {
  const dockerfile = 'FROM scratch\nCOPY foreign /foreign\nRUN ["/foreign"]\n';

  test('run, and nothing is registered on the machine for that', async () => {
    const registered = await run('info', '--format', 'json');
    const built = await build(dockerfile, '--platform', FOREIGN, '-o', 'type=local,dest=made');
    expect(built).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(root, 'made', 'made'))).toBe(true);
    const emulators = (json: string): unknown => (JSON.parse(json) as { emulators: unknown }).emulators;
    expect(emulators((await run('info', '--format', 'json')).stdout)).toEqual(emulators(registered.stdout));
    expect(emulators(registered.stdout)).toMatchObject({
      platforms: expect.arrayContaining([FOREIGN]) as unknown,
    });
  });
});

test('a step of a processor that nothing here emulates fails before anything is done for it', async () => {
  const { exitCode, stderr } = await build('FROM scratch\nCOPY foreign /\nRUN ["/foreign"]\n', '--platform', 'wasm');
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('cannot run steps for "linux/wasm": this machine has no emulator for it');
  expect(stderr).toContain('Dockerfile:3');
});
