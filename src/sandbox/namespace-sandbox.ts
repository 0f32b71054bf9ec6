import { rm } from 'node:fs/promises';
import { closeDescriptor } from '../support/syscalls.js';
import { DEFAULT_CAPABILITY_SET } from './capabilities.js';
import { furnish } from './furnish-sandbox.js';
import type { Launch, Launcher } from './launcher.js';
import { checkLimits } from './limits.js';
import type { OverlayMethod } from './mounts/root-file-system.js';
import type { Stub } from './mounts/rooted.js';
import { removeStubs } from './mounts/stubs.js';
import { networkFiles } from './network-files.js';
import { isOneSink } from './output-pipes.js';
import type { Rights } from './privileges.js';
import type { RunSpec } from './run-spec.js';
import type { RunIo, RunResult, Sandbox } from './sandbox.js';
import { runStep } from './start-step.js';
import { resultOf, throwIfAborted, type StepEnd } from './step-end.js';
import { StepStreams } from './step-streams.js';

export interface NamespaceSandboxOptions {
  readonly launcher: Launcher;
  readonly overlayMethod: OverlayMethod | null;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
  readonly rights: Rights;
  readonly upcoming: () => number;
  /** Removed with the sandbox. */
  readonly directory: string;
}

/** Steps in namespaces of their own, with Docker's capabilities and seccomp rules. */
export class NamespaceSandbox implements Sandbox {
  readonly name = 'namespaces';
  readonly notice = null;
  readonly attachable = true;
  readonly overlay: boolean;
  readonly #options: NamespaceSandboxOptions;

  constructor(options: NamespaceSandboxOptions) {
    this.#options = options;
    this.overlay = options.overlayMethod !== null;
  }

  async run(spec: RunSpec, io: RunIo): Promise<RunResult> {
    throwIfAborted(spec, io.signal);
    checkLimits(spec.limits);
    const stubs: Stub[] = [];
    let end: StepEnd;
    try {
      end = await this.#live(spec, { io, stubs });
    } catch (error) {
      // What was killed on the way says anything.
      throwIfAborted(spec, io.signal);
      throw error;
    } finally {
      removeStubs(stubs);
    }
    throwIfAborted(spec, io.signal);
    return await resultOf(end, io);
  }

  /** From start to end: afterwards nothing of it runs or is mounted, and all output has arrived. */
  async #live(spec: RunSpec, { io, stubs }: { readonly io: RunIo; readonly stubs: Stub[] }): Promise<StepEnd> {
    const { launcher, upcoming } = this.#options;
    using streams = new StepStreams(io);
    await using launch = await launcher.take(streams.stdio);
    const output = streams.passedTo(launch);
    const stop = (): void => {
      launch.process.stop();
    };
    output.catch(stop);
    io.signal.addEventListener('abort', stop, { once: true });
    try {
      throwIfAborted(spec, io.signal);
      const run = this.#run(launch, spec, { stubs, io, streams });
      launcher.prepare(upcoming());
      const end = await run;
      await launch[Symbol.asyncDispose]();
      await output;
      await streams.terminalFinished();
      return end;
    } finally {
      io.signal.removeEventListener('abort', stop);
    }
  }

  async #run(
    launch: Launch,
    spec: RunSpec,
    { stubs, io, streams }: { readonly stubs: Stub[]; readonly io: RunIo; readonly streams: StepStreams },
  ): Promise<StepEnd> {
    const { overlayMethod: overlay, rights, filter } = this.#options;
    const terminal = streams.openTerminal(launch, spec.user.uid);
    const root = await furnish(launch, { spec, network: networkFiles(spec), overlay }, stubs);
    try {
      const right = spec.privileged
        ? { capabilities: rights.permitted, filter: null }
        : { capabilities: DEFAULT_CAPABILITY_SET, filter };
      return await runStep(launch, {
        ...{ spec, root, rights, terminal },
        restriction: { user: spec.user, ...right },
        together: isOneSink(io),
        onStarted:
          io.attachment === undefined
            ? undefined
            : (pid) => {
                streams.started(pid);
              },
      });
    } finally {
      closeDescriptor(root.descriptor);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.launcher[Symbol.asyncDispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
  }
}
