import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TsbuildError } from '../../support/errors.js';
import { closeDescriptor } from '../../support/syscalls.js';
import { DEFAULT_CAPABILITY_SET } from '../rights/capabilities.js';
import { EmulatorNamespace } from '../emulation/emulator-namespace.js';
import { furnish } from './furnish-sandbox.js';
import type { Launch, Launcher } from './launcher.js';
import { checkLimits } from '../rights/limits.js';
import { KeptImages } from '../mounts/kept-images.js';
import type { OverlayMethod } from '../mounts/root-file-system.js';
import type { Stub } from '../mounts/rooted.js';
import { removeStubs } from '../mounts/stubs.js';
import { isOneSink } from '../streams/output-pipes.js';
import type { Rights } from '../rights/privileges.js';
import type { RunSpec } from '../run-spec.js';
import type { Runtime } from '../runtime/runtime.js';
import { startByRuntime } from '../runtime/start-by-runtime.js';
import type { RunIo, RunResult, Sandbox } from '../sandbox.js';
import { runStep } from '../step/start-step.js';
import { resultOf, throwIfAborted, type StepEnd } from '../step/step-end.js';
import { StepStreams } from '../streams/step-streams.js';
import { openSurroundings, type Surroundings } from '../surroundings.js';

export interface NamespaceSandboxOptions {
  readonly launcher: Launcher;
  readonly overlayMethod: OverlayMethod | null;
  /** For seccomp(2). */
  readonly filter: Uint8Array;
  readonly rights: Rights;
  readonly upcoming: () => number;
  /** The path of a `callProgram`. */
  readonly program: string;
  /** Removed with the sandbox. */
  readonly directory: string;
  /** Who starts the steps; `null`: this program does all by itself. */
  readonly runtime: Runtime | null;
}

interface StepPlace {
  readonly surroundings: Surroundings;
  /** Filled while the step lives. */
  readonly stubs: Stub[];
}

const BWRAP_NOTICE =
  'steps are started by bubblewrap, in which no program gains rights: "sudo", "su" and file capabilities do not work in them';

/** Steps in namespaces of their own, with Docker's capabilities and seccomp rules. */
export class NamespaceSandbox implements Sandbox {
  readonly name: 'namespaces' | 'oci' | 'bwrap';
  readonly notice: string | null;
  readonly attachable: boolean;
  readonly emulates: boolean;
  readonly overlay: boolean;
  readonly images: boolean;
  readonly #options: NamespaceSandboxOptions;
  /** Of layers, for all steps. */
  readonly #kept: KeptImages | undefined;
  #emulators: Promise<EmulatorNamespace> | undefined;

  constructor(options: NamespaceSandboxOptions) {
    this.#options = options;
    const { runtime } = options;
    if (runtime === null) this.name = 'namespaces';
    else this.name = runtime.kind === 'bwrap' ? 'bwrap' : 'oci';
    this.notice = this.name === 'bwrap' ? BWRAP_NOTICE : null;
    this.attachable = runtime === null;
    this.emulates = runtime === null;
    this.overlay = options.overlayMethod !== null;
    this.images = options.overlayMethod?.images === true;
    if (options.overlayMethod?.keepsImages === true) this.#kept = new KeptImages();
  }

  async run(spec: RunSpec, io: RunIo): Promise<RunResult> {
    throwIfAborted(spec, io.signal);
    checkLimits(spec.limits);
    if (spec.privileged && this.name === 'bwrap') throw refusedPrivileges();
    const temporaryDirectory = this.#options.directory;
    await using surroundings = await openSurroundings(spec, { temporaryDirectory, signal: io.signal });
    const stubs: Stub[] = [];
    let end: StepEnd;
    try {
      end = await this.#live(spec, { io, stubs, surroundings });
    } catch (error) {
      // What was killed on the way says anything.
      throwIfAborted(spec, io.signal);
      throw error;
    } finally {
      removeStubs(stubs);
    }
    throwIfAborted(spec, io.signal);
    return surroundings.judge(await resultOf(end, io));
  }

  /** From start to end: afterwards nothing of it runs or is mounted, and all output has arrived. */
  async #live(spec: RunSpec, { io, ...place }: StepPlace & { readonly io: RunIo }): Promise<StepEnd> {
    using streams = new StepStreams(io);
    await using launch = await this.#options.launcher.take(streams.stdio);
    const output = streams.passedTo(launch);
    const stop = (): void => {
      launch.process.stop();
    };
    output.catch(stop);
    io.signal.addEventListener('abort', stop, { once: true });
    try {
      throwIfAborted(spec, io.signal);
      // Whatever it starts from now on is born in there.
      place.surroundings.add(launch.process.pid);
      const end = await this.#run(launch, spec, { ...place, io, streams });
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
    { io, stubs, surroundings, streams }: StepPlace & { readonly io: RunIo; readonly streams: StepStreams },
  ): Promise<StepEnd> {
    const { overlayMethod: overlay, rights, filter, runtime } = this.#options;
    const { networkNamespace } = surroundings;
    const terminal = streams.openTerminal(launch, spec.user.uid);
    const emulators = spec.emulated === true ? await this.#openEmulators() : undefined;
    const around = { network: surroundings.files, networkNamespace, overlay, images: this.#kept };
    const root = await furnish(launch, { spec, ...around }, stubs);
    try {
      throwIfAborted(spec, io.signal);
      if (runtime !== null)
        return await startByRuntime(launch, { runtime, spec, root, rights, filter, together: isOneSink(io) });
      const right = spec.privileged
        ? { capabilities: rights.permitted, filter: null }
        : { capabilities: DEFAULT_CAPABILITY_SET, filter };
      const restriction = { user: spec.user, ...right };
      const onStarted = (pid: number): void => {
        if (io.attachment !== undefined) streams.started(pid);
        this.#options.launcher.prepare(this.#options.upcoming());
      };
      return await runStep(launch, {
        ...{ spec, root, rights, restriction, terminal, onStarted },
        userNamespace: emulators?.descriptor,
        together: isOneSink(io),
      });
    } finally {
      closeDescriptor(root.descriptor);
    }
  }

  /** Once, for all steps that need them. */
  async #openEmulators(): Promise<EmulatorNamespace> {
    const { program, directory } = this.#options;
    const open = async (): Promise<EmulatorNamespace> => {
      const place = join(directory, 'emulators');
      await mkdir(place, { recursive: true });
      return await EmulatorNamespace.open(program, place);
    };
    return await (this.#emulators ??= open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#emulators?.catch(() => undefined))?.[Symbol.asyncDispose]();
    await this.#options.launcher[Symbol.asyncDispose]();
    this.#kept?.[Symbol.dispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
  }
}

/** It covers parts of /proc, and lets nobody gain rights, whatever it is told. */
function refusedPrivileges(): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', 'cannot run the step: bubblewrap gives no step more rights than others', {
    hint: 'Run the build with --isolation namespaces or oci.',
  });
}
