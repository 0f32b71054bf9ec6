import { rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemErrorCode } from '../../support/errors.js';
import { readableText } from '../../support/readable-text.js';
import type { Allowance } from '../run-spec.js';
import { cgroupHierarchies, type CgroupHierarchy } from './cgroup-tree.js';
import { makeCgroups, type MadeCgroup } from './make-cgroups.js';
import { controllerSettings } from './controller-settings.js';

/** The cgroups of one step, in as many hierarchies as its allowance takes. Disposing removes them, once nobody is in them. */
export interface StepCgroup extends AsyncDisposable {
  /** Takes a process in, with all that it starts from then on. */
  add(pid: number): void;
  /** Whether the kernel has killed a process in there for want of memory. */
  ranOutOfMemory(): boolean;
}

/**
 * @throws `SANDBOX_UNAVAILABLE` that names the option, what is missing for it, and what would bring it; `USAGE` for a value that
 * the kernel refuses
 */
export function openStepCgroup(
  allowance: Allowance,
  hierarchies: readonly CgroupHierarchy[] = cgroupHierarchies(),
): StepCgroup {
  const made = makeCgroups(controllerSettings(allowance), hierarchies);
  return {
    add(pid) {
      for (const { directory } of made) writeFileSync(join(directory, 'cgroup.procs'), String(pid));
    },
    ranOutOfMemory: () => made.some(({ directory }) => outOfMemoryKills(directory) > 0),
    async [Symbol.asyncDispose]() {
      for (const cgroup of made) await removeCgroup(cgroup);
    },
  };
}

/** Version 2 counts them in `memory.events`, version 1 in `memory.oom_control`. */
function outOfMemoryKills(directory: string): number {
  const text = ['memory.events', 'memory.oom_control']
    .map((name) => readableText(join(directory, name)) ?? '')
    .join('\n');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** A process that has ended is in its cgroup until the kernel has taken it apart. */
const REMOVAL_MS = 5_000;

async function removeCgroup({ directory }: MadeCgroup): Promise<void> {
  for (let waited = 0; ; waited += 5) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOENT') return;
      // Left to the next build: an empty cgroup costs nothing, and the step itself is over.
      if (code === undefined || waited >= REMOVAL_MS) throw error;
      await setTimeout(5);
    }
  }
}
