import { networkFiles, type NetworkFiles } from './network/network-files.js';
import type { PrivateNetwork } from './network/private-network.js';
import type { StepCgroup } from './resources/step-cgroup.js';
import type { RunSpec } from './run-spec.js';
import type { RunResult } from './sandbox.js';

/**
 * What a step has around it, whatever sandbox it runs in: a network, name resolution, an allowance of memory and processor time.
 * Nobody may be left in it when it is disposed.
 */
export interface Surroundings extends AsyncDisposable {
  readonly files: NetworkFiles;
  /** An open descriptor, where the step has a private network. */
  readonly networkNamespace: number | undefined;
  /** Puts a process, and all that it will start, under the allowance. */
  add(pid: number): void;
  /** Adds to how a step has ended what only they know. */
  judge(result: RunResult): RunResult;
}

export interface SurroundingsOptions {
  /** An existing directory for small files. */
  readonly temporaryDirectory: string;
  readonly signal: AbortSignal;
}

/** @throws `SANDBOX_UNAVAILABLE` that names what cannot be had here, and what would bring it; `USAGE`; `ABORTED` */
export async function openSurroundings(
  spec: Pick<RunSpec, 'network' | 'hostname' | 'hosts' | 'nameResolution' | 'allowance'>,
  options: SurroundingsOptions,
): Promise<Surroundings> {
  const cgroup = spec.allowance === undefined ? undefined : await openCgroup(spec.allowance);
  let network: PrivateNetwork | undefined;
  try {
    if (spec.network === 'private') {
      const { openPrivateNetwork } = await import('./network/private-network.js');
      network = await openPrivateNetwork(options);
    }
    return surroundings(networkFiles(spec, { resolver: network?.resolver }), network, cgroup);
  } catch (error) {
    await cgroup?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function openCgroup(allowance: NonNullable<RunSpec['allowance']>): Promise<StepCgroup> {
  const { openStepCgroup } = await import('./resources/step-cgroup.js');
  return openStepCgroup(allowance);
}

function surroundings(
  files: NetworkFiles,
  network: PrivateNetwork | undefined,
  cgroup: StepCgroup | undefined,
): Surroundings {
  return {
    files,
    networkNamespace: network?.namespace,
    add: (pid) => {
      cgroup?.add(pid);
    },
    judge: (result) => (cgroup?.ranOutOfMemory() === true ? { ...result, outOfMemory: true } : result),
    async [Symbol.asyncDispose]() {
      await network?.[Symbol.asyncDispose]();
      await cgroup?.[Symbol.asyncDispose]();
    },
  };
}
