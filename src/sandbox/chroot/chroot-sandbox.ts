import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsbuildError } from '../../support/errors.js';
import { inUserNamespace } from '../../support/user-namespace.js';
import { CallProcess } from '../calls/call-process.js';
import { callProgram } from '../calls/call-program.js';
import { CAP_SYS_CHROOT, permittedCapabilities } from '../rights/capabilities.js';
import { provideChrootFiles } from './chroot-files.js';
import { runInChroot, type ChrootStart } from './chroot-step.js';
import { checkLimits } from '../rights/limits.js';
import { Descriptors } from '../mounts/descriptors.js';
import { openDirectory, type Root } from '../mounts/rooted.js';
import { OutputPipes } from '../streams/output-pipes.js';
import { currentRights } from '../rights/privileges.js';
import { killDescendants } from './process-tree.js';
import type { Mount, RunSpec } from '../run-spec.js';
import type { RunIo, RunResult, Sandbox } from '../sandbox.js';
import { dockerSeccompFilter } from '../seccomp/docker-filter.js';
import { openWorkingDirectory } from '../step/start-step.js';
import { resultOf, throwIfAborted, type StepEnd } from '../step/step-end.js';
import { openSurroundings, type Surroundings } from '../surroundings.js';

const NOTICE =
  'steps are confined by chroot only: they share the processes, the network and the host name of this container, and have no /proc and no /sys';

/** For root of a container that allows no namespaces: better than nothing, and says so. */
export class ChrootSandbox implements Sandbox {
  readonly name = 'chroot';
  readonly overlay = false;
  readonly notice: string = NOTICE;
  readonly #directory: string;

  /** @param directory - its own, with a `callProgram` named `init` */
  private constructor(directory: string) {
    this.#directory = directory;
    // A user namespace may make no device nodes (mknod(2)).
    this.notice = inUserNamespace() ? `${NOTICE}, and no devices` : NOTICE;
  }

  static async open(temporaryDirectory: string): Promise<ChrootSandbox> {
    const directory = await mkdtemp(join(temporaryDirectory, 'sandbox-'));
    try {
      await writeFile(join(directory, 'init'), callProgram(process.arch), { mode: 0o500 });
      return new ChrootSandbox(directory);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Whether this process has what it takes: user 0, really or mapped, and CAP_SYS_CHROOT. */
  static isPossible(): boolean {
    const permitted = permittedCapabilities(readFileSync('/proc/self/status', 'latin1'));
    return process.geteuid?.() === 0 && (permitted & CAP_SYS_CHROOT) !== 0n;
  }

  async run(spec: RunSpec, io: RunIo): Promise<RunResult> {
    throwIfAborted(spec, io.signal);
    checkLimits(spec.limits);
    const rootfs = supportedRoot(spec);
    const temporaryDirectory = this.#directory;
    await using surroundings = await openSurroundings(spec, { temporaryDirectory, signal: io.signal });
    const scripts = spec.mounts.filter((mount) => mount.type === 'file');
    using _files = provideChrootFiles({ rootfs, network: surroundings.files, scripts, temporaryDirectory });
    using output = new OutputPipes(io);
    using open = new Descriptors();
    const root: Root = { descriptor: open.keep(openDirectory(rootfs)), stubs: [] };
    const end = await new ChrootStep(output, io, surroundings).perform(join(this.#directory, 'init'), {
      spec,
      root: rootfs,
      directory: open.keep(openWorkingDirectory(root, spec.cwd)),
      filter: dockerSeccompFilter(process.arch),
      rights: currentRights(),
    });
    throwIfAborted(spec, io.signal);
    await output.finished;
    return surroundings.judge(await resultOf(end, io));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** What chroot cannot do is refused: a step that asked for isolation, or for more than its files, must not run without. */
function supportedRoot(spec: RunSpec): string {
  const { rootfs } = spec;
  const impossible = rootfs.kind === 'overlay' ? { what: 'overlays', remedy: NAMESPACES } : refusalOf(spec);
  if (rootfs.kind === 'directory' && impossible === null) return rootfs.path;
  throw new TsbuildError(
    'SANDBOX_FAILED',
    `cannot run the step: this machine allows chroot only, and so no ${impossible?.what ?? 'such root'}`,
    { hint: impossible?.remedy },
  );
}

interface Refusal {
  readonly what: string;
  readonly remedy: string;
}
const NAMESPACES = 'Run tsbuild where namespaces are allowed, or do without in the Dockerfile.';

function refusalOf({ network, mounts, privileged }: RunSpec): Refusal | null {
  if (network === 'none') return { what: 'steps without a network', remedy: NAMESPACES };
  if (network === 'private')
    return { what: 'networks of a step alone', remedy: `${NAMESPACES} --network host shares this one's.` };
  if (privileged) return { what: 'steps with more rights than others', remedy: NAMESPACES };
  return mounts.map(mountRefusal).find((refusal) => refusal !== null) ?? null;
}

function mountRefusal(mount: Mount): Refusal | null {
  const at = `at "${mount.target}"`;
  switch (mount.type) {
    case 'bind':
      return { what: `mounts (${at})`, remedy: `${NAMESPACES} COPY brings files in without a mount.` };
    case 'tmpfs':
      return { what: `file system in memory ${at}`, remedy: NAMESPACES };
    case 'device':
      return { what: `devices of the host (${at})`, remedy: NAMESPACES };
    case 'file':
      if (!mount.confidential) return null;
      return {
        what: `secret file ${at}: it would be on the disk`,
        remedy: 'Take the secret as a variable: RUN --mount=type=secret,id=…,env=NAME.',
      };
  }
}

/** One run: a process that changes its root, and all that descends from it. */
class ChrootStep {
  readonly #output: OutputPipes;
  readonly #io: RunIo;
  readonly #surroundings: Surroundings;

  constructor(output: OutputPipes, io: RunIo, surroundings: Surroundings) {
    this.#output = output;
    this.#io = io;
    this.#surroundings = surroundings;
  }

  /** @param program - the path of a `callProgram` */
  async perform(program: string, start: ChrootStart): Promise<StepEnd> {
    await using process = this.#start(program);
    const over = new AbortController();
    try {
      // All that it starts is born in there, and it starts nothing before it is told what.
      this.#surroundings.add(process.pid);
      const end = runInChroot(process, start);
      // When the step is cancelled it is ended, and nobody listens.
      end.catch(() => undefined);
      return await Promise.race([end, cancelled(start, this.#io.signal, over.signal), this.#outputFailure()]);
    } finally {
      over.abort();
      await killDescendants(process.pid);
    }
  }

  #start(program: string): CallProcess {
    const input = openSync('/dev/null', 'r');
    try {
      return new CallProcess(program, [input, this.#output.stdout, this.#output.stderr]);
    } finally {
      closeSync(input);
      this.#output.closeWriters();
    }
  }

  #outputFailure(): Promise<never> {
    return new Promise((_, reject) => {
      this.#output.finished.catch(reject);
    });
  }
}

/** Rejects when the step is cancelled, or is over. */
async function cancelled({ spec }: ChrootStart, signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  throwIfAborted(spec, signal);
  throw new Error('internal error: cancelled by nobody');
}
