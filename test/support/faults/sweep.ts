import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CliResult } from '../tsbuild.js';
import { expectRecovery } from './aftermath.js';
import { failableCalls, killableCalls, runTraced, sampled, type Call } from './strace.js';
import { commandOf, copyPlace, preparePlace, type Place, type Workload } from './workload.js';

/** Whether to go through everything, as `npm run test:faults` does, and not through a sample. */
export const FULL: boolean = process.env['TSBUILD_FAULTS'] === 'full';

export interface Sweep {
  readonly workload: Workload;
  /** Of the caller's. */
  readonly folder: string;
  /** Of all the points at which a fault can be injected, how many to take. */
  readonly count: number;
  /** The error with which a call fails; without it, the command is killed there. */
  readonly errorAt?: (call: Call, index: number) => string;
  /** What is to be said of the disturbed command itself; throws where it is not as it should be. */
  readonly judge: (result: CliResult, attempt: Attempt) => Promise<void> | void;
}

export interface Attempt {
  readonly place: Place;
  /** What the workload makes when nothing disturbs it. */
  readonly expected: string;
  readonly call: Call;
}

/**
 * Runs a command once undisturbed, then once for each of its file system calls, or a sample of them, each time in a new copy of the
 * same store, with a fault at that call; and holds the store to `expectRecovery` after each.
 * @returns what did not hold, each with the call
 */
export async function sweep({ workload, folder, count, errorAt, judge }: Sweep): Promise<readonly string[]> {
  const template = await preparePlace(join(folder, 'template'), workload);
  await using _ = template.registry;
  const log = join(folder, 'strace.log');
  const clean = copyPlace(template, join(folder, 'clean'));
  const { calls, exitCode, stderr } = await runTraced(commandOf(workload, clean), log);
  if (exitCode !== 0) return [`undisturbed: ${exitCode} ${stderr}`];
  const expected = await workload.result(clean);
  const points = errorAt === undefined ? killableCalls(calls, clean.folder) : failableCalls(calls, clean.folder);
  const failures: string[] = points.length === 0 ? ['it makes no calls'] : [];
  for (const [index, call] of sampled(points, count).entries()) {
    const place = copyPlace(template, join(folder, `attempt-${index}`));
    const fault = errorAt === undefined ? 'signal=KILL' : `error=${errorAt(call, index)}`;
    try {
      const result = await runTraced(commandOf(workload, place), log, { call, fault });
      // How often threads wake each other varies, and with it the numbers of writes: a fault that hit such a one tells nothing.
      const elsewhere = result.failed.some((line) => !line.includes(`${place.folder}/`));
      if (!elsewhere) await judge(result, { place, expected, call });
      await expectRecovery(workload, place, { expected });
    } catch (error) {
      failures.push(`${fault} at ${call.name} number ${call.nth}, ${call.text}: ${String(error)}`);
    }
    rmSync(place.folder, { recursive: true });
  }
  return failures;
}
