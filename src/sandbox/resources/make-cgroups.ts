import { constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { readableText } from '../../support/readable-text.js';
import { isAccessible } from '../../support/is-accessible.js';
import type { CgroupHierarchy } from './cgroup-tree.js';
import type { ControllerSettings } from './controller-settings.js';

export interface MadeCgroup {
  readonly directory: string;
}

let count = 0;

/**
 * Makes a cgroup below one that this process may write to, in each hierarchy that has controllers to be told something, and tells
 * them. All of it, or nothing. What dead processes have left in the same places is removed.
 */
export function makeCgroups(
  settings: readonly ControllerSettings[],
  hierarchies: readonly CgroupHierarchy[],
): readonly MadeCgroup[] {
  const made = new Map<string, MadeCgroup>();
  count += 1;
  const name = `${PREFIX}${process.pid}-${startTime(process.pid) ?? '0'}-${count}`;
  try {
    for (const one of settings) {
      const { version, parent } = placeFor(one, settings, hierarchies);
      removeLeftCgroups(parent);
      const directory = join(parent, name);
      if (!made.has(directory)) {
        attempt(one, directory, () => {
          mkdirSync(directory);
        });
        made.set(directory, { directory });
      }
      tell(one, version, { parent, directory });
    }
  } catch (error) {
    for (const { directory } of made.values()) rmdirSync(directory);
    throw error;
  }
  return [...made.values()];
}

const PREFIX = 'tsbuild-';

/** When a process has begun, which tells it from a later one of the same number (proc_pid_stat(5), field 22). */
function startTime(pid: number): string | undefined {
  // The name before may have blanks and parentheses.
  return readableText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')[19];
}

/** A process that was killed removes nothing; what it ran is gone with it, and its cgroups are empty. */
function removeLeftCgroups(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid, started] = /^tsbuild-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    if (pid === undefined || startTime(Number(pid)) === started) continue;
    try {
      rmdirSync(join(parent, name));
    } catch (error) {
      // Somebody is in it still, or has removed it.
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
}

interface Place {
  readonly version: 1 | 2;
  readonly parent: string;
}

/** Where the controller can be told something about a new cgroup. */
function placeFor(
  wanted: ControllerSettings,
  all: readonly ControllerSettings[],
  hierarchies: readonly CgroupHierarchy[],
): Place {
  const { controller } = wanted;
  const old = hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller));
  if (old !== undefined) {
    if (isAccessible(old.directory, constants.W_OK)) return { version: 1, parent: old.directory };
    throw impossible(wanted, `only root of the machine may use the controller "${controller}" of cgroups version 1`, {
      hint: 'Build as root, or have the administrator start the machine with systemd.unified_cgroup_hierarchy=1 on its command line, for version 2.',
    });
  }
  const unified = hierarchies.find(({ version }) => version === 2);
  const parent = unified === undefined ? undefined : delegatedParent(unified, all);
  if (parent !== undefined) return { version: 2, parent };
  throw impossible(wanted, `the controller "${controller}" of cgroups is not given to this process`, {
    hint: `Run it as "systemd-run --user --scope tsbuild …"; if that is not enough, have the administrator put "Delegate=cpu cpuset memory pids" into the section [Service] of /etc/systemd/system/user@.service.d/delegate.conf. As root of a container: let it have cgroups that it may write to.`,
  });
}

/**
 * The nearest cgroup from our own upwards in which another one can be made that we and our children may enter: no processes may be
 * in one that hands controllers on (cgroups(7), "no internal processes"), which rules out our own.
 */
function delegatedParent(
  { directory, mountPoint }: CgroupHierarchy,
  settings: readonly ControllerSettings[],
): string | undefined {
  const wanted = settings.map(({ controller }) => controller);
  for (let place = directory; place.startsWith(mountPoint); place = dirname(place)) {
    if (
      isAccessible(place, constants.W_OK) &&
      isAccessible(join(place, 'cgroup.procs'), constants.W_OK) &&
      handsOn(place, wanted)
    )
      return place;
    if (place === mountPoint) return undefined;
  }
  return undefined;
}

function handsOn(place: string, wanted: readonly string[]): boolean {
  const lacking = (): readonly string[] => {
    const given = readFileSync(join(place, 'cgroup.subtree_control'), 'utf8').trim().split(/\s+/);
    return wanted.filter((controller) => !given.includes(controller));
  };
  try {
    const missing = lacking();
    if (missing.length === 0) return true;
    const words = missing.map((controller) => `+${controller}`).join(' ');
    writeFileSync(join(place, 'cgroup.subtree_control'), words);
    return lacking().length === 0;
  } catch (error) {
    // Not given to it itself, not ours, or with processes of its own.
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

function tell(
  settings: ControllerSettings,
  version: 1 | 2,
  { parent, directory }: { readonly parent: string; readonly directory: string },
): void {
  if (version === 1 && settings.controller === 'cpuset') inheritCpuset(parent, directory);
  for (const { name, value, optional } of settings.files[version]) {
    try {
      writeFileSync(join(directory, name), value, { flag: 'r+' });
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      // Without the file, this kernel counts no swap.
      const isUncounted = code === 'ENOENT' || code === 'EACCES';
      if (optional === true && isUncounted) continue;
      throw refusedValue(settings, { name, value, code, isUncounted });
    }
  }
}

/** Of version 1: nothing can be in a new cgroup before it has both (cpuset(7)). */
function inheritCpuset(parent: string, directory: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(directory, name), readFileSync(join(parent, name)), { flag: 'r+' });
  }
}

function attempt(settings: ControllerSettings, directory: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw impossible(settings, `the cgroup "${directory}" cannot be made (${code})`, {
      cause: error,
      hint: 'Build as root of the machine, or where cgroups can be written to.',
    });
  }
}

interface RefusedValue {
  readonly name: string;
  readonly value: string;
  readonly code: string;
  readonly isUncounted: boolean;
}

function refusedValue({ option }: ControllerSettings, refused: RefusedValue): TsbuildError {
  const { name, value, code, isUncounted } = refused;
  const swap = name.includes('memsw') || name.includes('swap');
  const word = swap ? '--memory-swap' : (OPTIONS[name] ?? option);
  if (isUncounted) {
    return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot limit steps by ${word}: this kernel has no "${name}"`, {
      hint: swap
        ? 'Leave it out, or start the machine with swapaccount=1 on its command line.'
        : 'Leave the option out, or build on a machine whose kernel has it.',
    });
  }
  return new TsbuildError(
    'USAGE',
    `cannot limit steps by ${word}: the kernel refuses "${value}" for ${name} (${code})`,
    {
      hint: 'Give a value within what this machine, and the cgroup that tsbuild runs in, have.',
    },
  );
}

/** Where one controller answers to several options. */
const OPTIONS: Readonly<Record<string, string>> = {
  'cpu.cfs_period_us': '--cpu-period',
  'cpu.cfs_quota_us': '--cpu-quota',
  'cpu.max': '--cpu-quota',
  'cpu.shares': '--cpu-shares',
  'cpu.weight': '--cpu-shares',
  'cpuset.cpus': '--cpuset-cpus',
  'cpuset.mems': '--cpuset-mems',
};

function impossible(
  { option }: ControllerSettings,
  state: string,
  options: { readonly hint: string; readonly cause?: unknown },
): TsbuildError {
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot limit steps by ${option}: ${state}`, options);
}
