import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Call } from '../support/faults/strace.js';
import { FULL, sweep, type Attempt } from '../support/faults/sweep.js';
import { WORKLOADS, type Workload } from '../support/faults/workload.js';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';
import type { CliResult } from '../support/tsbuild.js';

const ROOT = process.getuid?.() === 0;
const EVERYTHING: Readonly<Record<string, number>> = { build: 100 };
const SAMPLE: Readonly<Record<string, number>> = { pull: 3, load: 2, save: 1 };

/** What a disk, or the kernel, can answer to a call; taken in turn. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EMFILE', 'ENOSPC', 'EIO', 'EROFS'],
  write: ['ENOSPC', 'EIO', 'EDQUOT'],
  fsync: ['EIO'],
  fdatasync: ['EIO', 'ENOSPC'],
  rename: ['EIO', 'ENOSPC', 'EROFS'],
  mkdir: ['ENOSPC', 'EROFS', 'EIO'],
  flock: ['ENOLCK'],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-failing-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function pointsOf({ name, needsSandbox }: Workload): number {
  if (needsSandbox === true && !ROOT) return 0;
  if (FULL) return EVERYTHING[name] ?? Infinity;
  return ROOT ? (SAMPLE[name] ?? 0) : Number(name === 'load');
}

function errorAt({ name }: Call, index: number): string {
  const errors = ERRORS[name] ?? ['EIO'];
  return errors[index % errors.length] ?? 'EIO';
}

/** What cannot be cleaned up because the very cleaning fails is left to the next process. */
function isCleaning({ name, text }: Call): boolean {
  return ['unlink', 'unlinkat', 'rmdir', 'flock'].includes(name) || text.includes('/locks/temporary"');
}

function judge({ exitCode, stderr }: CliResult, { place, call }: Attempt): void {
  if (exitCode !== 0 && !/^error\[[A-Z_]+\]: cannot /m.test(stderr))
    throw new Error(`it ends with ${String(exitCode)}, and says: ${stderr}`);
  if (stderr.includes('INTERNAL') || /^ +at /m.test(stderr))
    throw new Error(`it takes it for a mistake of its own: ${stderr}`);
  const temporary = join(place.store, 'tmp');
  if (isCleaning(call) || !existsSync(temporary)) return;
  const left = readdirSync(temporary).filter((name) => name !== 'partial');
  if (left.length > 0) throw new Error(`it leaves ${left.join()}`);
}

const strace = requirement('strace', hasTools('strace'), 'it is what makes a given call fail');
describe.skipIf(strace.skip)(strace.skip ? `a call that fails (${strace.reason})` : 'a call that fails', () => {
  const chosen = WORKLOADS.filter((workload) => pointsOf(workload) > 0);
  test.each(chosen)('makes $name fail in words, and succeed the next time', { timeout: 900_000 }, async (workload) => {
    const count = pointsOf(workload);
    const failures = await sweep({ workload, folder, count, errorAt, judge });
    expect(failures.map((failure) => failure.replaceAll(folder, '…'))).toEqual([]);
  });
});
