import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FULL, sweep } from '../support/faults/sweep.js';
import { WORKLOADS, type Workload } from '../support/faults/workload.js';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';

const ROOT = process.getuid?.() === 0;
/** Points at which a command is killed: of all workloads everything, but of a build, which makes calls by the thousand. */
const EVERYTHING: Readonly<Record<string, number>> = { build: 100 };
const SAMPLE: Readonly<Record<string, number>> = { pull: 3, build: 2, load: 2, tag: 2, rmi: 2, 'save in parts': 1 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-kill-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function pointsOf({ name, needsSandbox }: Workload): number {
  if (needsSandbox === true && !ROOT) return 0;
  if (FULL) return EVERYTHING[name] ?? Infinity;
  return Math.ceil((SAMPLE[name] ?? 0) / (ROOT ? 1 : 2));
}

const strace = requirement('strace', hasTools('strace'), 'it is what kills at a given call');
describe.skipIf(strace.skip)(strace.skip ? `killed at a call (${strace.reason})` : 'killed at a call', () => {
  const chosen = WORKLOADS.filter((workload) => pointsOf(workload) > 0);
  test.each(chosen)(
    '$name leaves a sound store, and succeeds the next time',
    { timeout: 900_000 },
    async (workload) => {
      const failures = await sweep({
        workload,
        folder,
        count: pointsOf(workload),
        // The thread pool may come to its call in another turn than before, or not at all: then nothing was killed.
        judge: ({ signal, exitCode, stderr }) => {
          if (signal !== 'SIGKILL' && exitCode !== 0) throw new Error(`it ends with ${String(exitCode)}: ${stderr}`);
        },
      });
      expect(failures.map((failure) => failure.replaceAll(folder, '…'))).toEqual([]);
    },
  );
});
