import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitOf, runCommand, spawnProcess } from '../../../src/support/child-process.js';
import { isTsbuildError } from '../../../src/support/errors.js';

const env = { PATH: '/usr/bin:/bin' };
const script = (text: string): readonly string[] => ['-c', text];

/** A zombie that nobody has reaped yet is dead. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('runCommand()', () => {
  test('collects both outputs and the exit code', async () => {
    const result = await runCommand('sh', script('echo out; echo err >&2; exit 3'), { env });
    expect(result).toEqual({
      exitCode: 3,
      signal: null,
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
    });
  });

  test('reports the signal that ended the program', async () => {
    const result = await runCommand('sh', script('kill -TERM $$'), { env });
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  test('feeds its input, as bytes and as text', async () => {
    const bytes = Buffer.from([0, 0xff, 10]);
    expect((await runCommand('cat', [], { env, input: bytes })).stdout).toEqual(bytes);
    expect((await runCommand('cat', [], { env, input: 'é' })).stdout.toString()).toBe('é');
  });

  test('ends the input when there is none', async () => {
    expect((await runCommand('cat', [], { env })).stdout).toHaveLength(0);
  });

  test('does not mind a program that leaves its input unread', async () => {
    const result = await runCommand('sh', script('exec <&-; exit 0'), { env, input: Buffer.alloc(8 << 20) });
    expect(result.exitCode).toBe(0);
  });

  test('passes the environment it is given and no other', async () => {
    process.env['TSBUILD_CANARY'] = 'leaked';
    try {
      const result = await runCommand('/usr/bin/env', [], { env: { ONLY: 'this' } });
      expect(result.stdout.toString()).toBe('ONLY=this\n');
    } finally {
      delete process.env['TSBUILD_CANARY'];
    }
  });

  test('runs in the directory it is given', async () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tsbuild-child-')));
    try {
      expect((await runCommand('pwd', [], { env, cwd: directory })).stdout.toString()).toBe(`${directory}\n`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('rejects with the system error when there is no such program', async () => {
    await expect(runCommand('tsbuild-no-such-program', [], { env })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('kills a program that takes too long, even one whose child keeps the output open', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tsbuild-child-')), 'pid');
    const running = runCommand('sh', script(`sleep 30 & echo $! >${file}; sleep 30`), { env, timeoutMs: 200 });
    await expect(running).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const grandchild = Number(readFileSync(file, 'utf8'));
    rmSync(join(file, '..'), { recursive: true });
    await expect.poll(() => isAlive(grandchild)).toBe(false);
  });

  test('kills a program that writes more than the limit', async () => {
    const running = runCommand('sh', script('while :; do echo flood; done'), { env, maxOutputBytes: 1000 });
    await expect(running).rejects.toMatchObject({ code: 'ENOBUFS' });
  });

  test('kills the program when it is cancelled', async () => {
    const controller = new AbortController();
    const running = runCommand('sleep', ['30'], { env, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toSatisfy((error) => isTsbuildError(error, 'ABORTED'));
  });

  test('starts nothing when it is already cancelled', async () => {
    const running = runCommand('tsbuild-no-such-program', [], { env, signal: AbortSignal.abort() });
    await expect(running).rejects.toSatisfy((error) => isTsbuildError(error, 'ABORTED'));
  });
});

describe('spawnProcess()', () => {
  test('rejects with the system error when there is no such program', async () => {
    await expect(spawnProcess('tsbuild-no-such-program', [], { env, stdio: 'ignore' })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('opens a channel on which buffers survive', async () => {
    const echo = `process.once('message', (m) => process.send(m, () => process.disconnect()))`;
    const child = await spawnProcess(process.execPath, ['-e', echo], {
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    const answer = new Promise((resolve) => child.once('message', resolve));
    child.send({ bytes: Buffer.from([1, 2]) });
    expect(await answer).toEqual({ bytes: Buffer.from([1, 2]) });
    expect(await exitOf(child)).toEqual({ exitCode: 0, signal: null });
    expect(await exitOf(child)).toEqual({ exitCode: 0, signal: null });
  });
});
