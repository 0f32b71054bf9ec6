import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { release, tmpdir, availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cgroupFacts } from '../machine/cgroup-facts.js';
import { emulatorFacts, kernelFacts } from '../machine/kernel-facts.js';
import type { IdFacts, MachineReport } from '../machine/machine-report.js';
import { proxyFacts } from '../machine/proxy-facts.js';
import { openTrialPlace, storeFacts } from '../machine/store-facts.js';
import { ISOLATIONS } from '../sandbox/create-sandbox.js';
import { emulatedArchitectures, emulatorsHere } from '../sandbox/emulation/emulation.js';
import { tryIsolations, type IsolationTrial } from '../sandbox/try-isolations.js';
import { exitOf } from '../support/child-process.js';
import { currentUser } from '../support/current-user.js';
import { isTsbuildError } from '../support/errors.js';
import { findSystemProgram } from '../support/system-program.js';
import {
  planUserNamespace,
  spawnInUserNamespace,
  type IdRange,
  type UserNamespacePlan,
} from '../support/user-namespace.js';
import { VERSION } from '../version.js';
import { currentIdMapping } from './workshop/workshop.js';

export interface DescribeMachineOptions {
  /** Absolute; it need not exist, and is not made. */
  readonly storeRoot: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PROGRAMS = ['crun', 'runc', 'bwrap', 'newuidmap', 'newgidmap', 'pasta', 'slirp4netns', 'git', 'ssh'];

/** Says what this machine has for building, and what it lacks. Works with nothing set up, by any user, without a network. */
export async function describeMachine({ storeRoot, env }: DescribeMachineOptions): Promise<MachineReport> {
  const { uid, gid, name } = currentUser();
  const plan = uid === 0 ? null : await planUserNamespace({ uid, gid, userName: name });
  using place = openTrialPlace(storeRoot, tmpdir());
  const trials = plan === null ? await tryIsolations(place.path) : await tryInNamespace(plan, place.path);
  const used = trials.find(({ works }) => works);
  const rootfs = used?.works === true ? rootfsOf(used) : null;
  return {
    versions: { tsbuild: VERSION, node: process.versions.node, kernel: release(), architecture: process.arch },
    processors: availableParallelism(),
    user: { uid, name: name ?? null, ids: plan === null ? ownIds() : mappedIds(plan, name ?? String(uid)) },
    isolation: { used: used?.name ?? null, trials },
    store: { ...storeFacts(storeRoot, place), rootfs },
    cgroup: cgroupFacts('/'),
    programs: Object.fromEntries(PROGRAMS.map((name) => [name, findSystemProgram(name) ?? null])),
    proxies: proxyFacts(env),
    kernel: kernelFacts('/'),
    emulators: { ...emulatorFacts('/'), platforms: emulatedPlatforms(release()) },
    registries: await registryFacts(env),
  };
}

function rootfsOf({ overlay, images }: Extract<IsolationTrial, { works: true }>): MachineReport['store']['rootfs'] {
  if (!overlay) return 'copies';
  return images ? 'images' : 'overlay';
}

/** Of root: of the machine, or of the user namespace that a container is in. */
function ownIds(): IdFacts {
  const map = readFileSync('/proc/self/uid_map', 'utf8');
  const lengths = map
    .trim()
    .split('\n')
    .map((line) => Number(line.trim().split(/\s+/)[2]));
  const count = lengths.reduce((sum, length) => sum + length, 0);
  return { kind: currentIdMapping(map), count, reason: null, remedy: null };
}

function mappedIds(plan: UserNamespacePlan, userName: string): IdFacts {
  if (plan.kind === 'forbidden') return { kind: plan.kind, count: 0, reason: plan.reason, remedy: plan.hint };
  const count = Math.min(countOf(plan.uids), countOf(plan.gids));
  if (plan.kind === 'full') return { kind: plan.kind, count, reason: null, remedy: null };
  const remedy = `An administrator adds the line "${userName}:100000:65536" to /etc/subuid and to /etc/subgid, and installs newuidmap (package uidmap).`;
  return { kind: plan.kind, count, reason: plan.reason, remedy };
}

function countOf(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

/** In a process that is root of the user namespace that a build would run in. */
async function tryInNamespace(plan: UserNamespacePlan, directory: string): Promise<readonly IsolationTrial[]> {
  if (plan.kind === 'forbidden') {
    return ISOLATIONS.map((name) => ({ name, works: false, reason: plan.reason, remedy: plan.hint }));
  }
  const worker = fileURLToPath(new URL('./isolation-worker.js', import.meta.url));
  const child = await spawnInUserNamespace(plan, process.execPath, [worker, directory], {
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  let trials: readonly IsolationTrial[] | undefined;
  child.once('message', (message: readonly IsolationTrial[]) => {
    trials = message;
  });
  const { exitCode } = await exitOf(child);
  // Node may tell of the end of a process before it has read the last of its messages.
  if (child.connected) await once(child, 'disconnect');
  if (trials !== undefined) return trials;
  const reason = `the process that tries it ended with status ${String(exitCode)}`;
  return ISOLATIONS.map((name) => ({ name, works: false, reason, remedy: null }));
}

async function registryFacts(env: DescribeMachineOptions['env']): Promise<MachineReport['registries']> {
  const { registryFilesInUse } = await import('../registry/config/files-in-use.js');
  try {
    return { files: await registryFilesInUse({ env, home: env['HOME'] ?? '/' }), problem: null };
  } catch (error) {
    if (!isTsbuildError(error)) throw error;
    return { files: [], problem: error.message };
  }
}

/** What is installed counts where user namespaces can have a binfmt_misc of their own: since Linux 6.7. */
function emulatedPlatforms(kernel: string): readonly string[] {
  const here = emulatorsHere();
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  const isNew = major > 6 || (major === 6 && minor >= 7);
  return emulatedArchitectures(isNew ? here : { ...here, installed: [] }).map((name) => `linux/${name}`);
}
