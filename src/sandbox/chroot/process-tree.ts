import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { systemErrorCode } from '../../support/errors.js';

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

/** A line of /proc/…/stat (proc_pid_stat(5)): the name in parentheses may itself have any of them. */
export function parseProcessState(stat: string): ProcessState | undefined {
  const match = /^(\d+) \(.*\) (\S) (\d+) /s.exec(stat);
  if (match?.[2] === undefined) return undefined;
  return { pid: Number(match[1]), state: match[2], parent: Number(match[3]) };
}

function allProcesses(): readonly ProcessState[] {
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return names.flatMap((name) => {
    try {
      return parseProcessState(readFileSync(`/proc/${name}/stat`, 'latin1')) ?? [];
    } catch (error) {
      // It ended meanwhile.
      if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ESRCH') return [];
      throw error;
    }
  });
}

/** Everything that descends from a process, not itself. */
export function descendantsOf(pid: number): readonly ProcessState[] {
  const processes = allProcesses();
  const family = new Set([pid]);
  let size = 0;
  while (size !== family.size) {
    size = family.size;
    for (const process of processes) if (family.has(process.parent)) family.add(process.pid);
  }
  return processes.filter((one) => one.pid !== pid && family.has(one.pid));
}

const isAlive = ({ state }: ProcessState): boolean => state !== 'Z' && state !== 'X';

/** How long, in rounds of a millisecond, the ancestor is given to take note of what has died. */
const MAX_REAPING_ROUNDS = 200;

/** Kills every descendant of a process that adopts and reaps orphans (PR_SET_CHILD_SUBREAPER), until there is none. */
export async function killDescendants(ancestor: number): Promise<void> {
  let reaping = 0;
  for (;;) {
    const family = descendantsOf(ancestor);
    const alive = family.filter(isAlive);
    if (family.length === 0 || reaping === MAX_REAPING_ROUNDS) return;
    for (const { pid } of alive) killIfThere(pid);
    reaping = alive.length === 0 ? reaping + 1 : 0;
    await setTimeout(1);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
