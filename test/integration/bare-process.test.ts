import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reapProcess, startBareProcess } from '../../src/support/bare-process.js';

let folder: string;
let program: string;
let holder: ChildProcess;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-bare-'));
  program = join(folder, 'program');
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o755);
});
afterEach(() => {
  holder.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A process that has the program open for writing. */
async function holdFor(seconds: number): Promise<void> {
  holder = spawn('sh', ['-c', `exec 3>>"$0"; echo open; exec sleep ${seconds}`, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout ?? holder, 'data');
}

test('a program that another process has open for writing for a moment is started', async () => {
  await holdFor(0.1);
  reapProcess(startBareProcess(program, { name: 'program', descriptors: [0, 1, 2] }));
});

test('one that stays open is an error', async () => {
  await holdFor(600);
  expect(() => startBareProcess(program, { name: 'program', descriptors: [0, 1, 2] })).toThrow('ETXTBSY');
});
