import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { exitOf, spawnProcess, type ChildProcess } from '../support/child-process.js';
import { decodeError, TsbuildError } from '../support/errors.js';
import { inUserNamespace } from '../support/user-namespace.js';
import { CAP_SYS_CHROOT, permittedCapabilities } from './capabilities.js';
import { provideChrootFiles } from './chroot-files.js';
import type { ChrootJob, ChrootMessage } from './chroot-job.js';
import { checkLimits } from './limits.js';
import { OutputPipes } from './output-pipes.js';
import { killDescendants } from './process-tree.js';
import type { Mount, RunSpec } from './run-spec.js';
import type { RunIo, RunResult, Sandbox } from './sandbox.js';
import { dockerSeccompFilter } from './seccomp/docker-filter.js';
import { resultOf, throwIfAborted } from './step-end.js';
import { openSurroundings, type Surroundings } from './surroundings.js';

const NOTICE =
  'steps are confined by chroot only: they share the processes, the network and the host name of this container, and have no /proc and no /sys';

/** For root of a container that allows no namespaces: better than nothing, and says so. */
export class ChrootSandbox implements Sandbox {
  readonly name = 'chroot';
  readonly overlay = false;
  readonly notice: string = NOTICE;
  readonly #temporaryDirectory: string;

  constructor(temporaryDirectory: string) {
    this.#temporaryDirectory = temporaryDirectory;
    // A user namespace may make no device nodes (mknod(2)).
    this.notice = inUserNamespace() ? `${NOTICE}, and no devices` : NOTICE;
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
    const temporaryDirectory = this.#temporaryDirectory;
    await using surroundings = await openSurroundings(spec, { temporaryDirectory, signal: io.signal });
    const scripts = spec.mounts.filter((mount) => mount.type === 'file');
    using _files = provideChrootFiles({ rootfs, network: surroundings.files, scripts, temporaryDirectory });
    using output = new OutputPipes(io);
    const end = await new ChrootStep(output, io, surroundings).perform({
      spec,
      root: rootfs,
      filter: dockerSeccompFilter(process.arch),
    });
    throwIfAborted(spec, io.signal);
    if (end.type === 'failed') throw decodeError(end.error);
    await output.finished;
    return surroundings.judge(await resultOf(end, io));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
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

type End = Exclude<ChrootMessage, { type: 'started' }>;

/** One run: a worker process, and all that descends from it. */
class ChrootStep {
  readonly #output: OutputPipes;
  readonly #io: RunIo;
  readonly #surroundings: Surroundings;

  constructor(output: OutputPipes, io: RunIo, surroundings: Surroundings) {
    this.#output = output;
    this.#io = io;
    this.#surroundings = surroundings;
  }

  async perform(job: ChrootJob): Promise<End> {
    const worker = await this.#start();
    const over = new AbortController();
    try {
      const message = lastMessage(worker, () => {
        this.#output.closeWriters();
      });
      // All that it starts is born in there, and it starts nothing before it is told what.
      if (worker.pid !== undefined) this.#surroundings.add(worker.pid);
      worker.send(job);
      return await Promise.race([message, cancelled(job, this.#io.signal, over.signal), this.#outputFailure()]);
    } finally {
      over.abort();
      if (worker.pid !== undefined) await killDescendants(worker.pid);
      worker.kill('SIGKILL');
      await exitOf(worker);
      this.#output.closeWriters();
    }
  }

  #outputFailure(): Promise<never> {
    return new Promise((_, reject) => {
      this.#output.finished.catch(reject);
    });
  }

  #start(): Promise<ChildProcess> {
    const file = fileURLToPath(new URL('./chroot-worker.js', import.meta.url));
    return spawnProcess(process.execPath, [file], {
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', this.#output.stdout, this.#output.stderr],
      serialization: 'advanced',
      detached: true,
    });
  }
}

function lastMessage(worker: ChildProcess, onStarted: () => void): Promise<End> {
  const last = new Promise<End>((resolve, reject) => {
    worker.on('message', (message: ChrootMessage) => {
      if (message.type === 'started') onStarted();
      else resolve(message);
    });
    worker.once('exit', (code, signal) => {
      reject(new Error(`internal error: a chroot worker ended with ${signal ?? String(code)}`));
    });
  });
  // When the step is cancelled it is ended, and nobody listens.
  last.catch(() => undefined);
  return last;
}

/** Rejects when the step is cancelled, or is over. */
async function cancelled({ spec }: ChrootJob, signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  throwIfAborted(spec, signal);
  throw new Error('internal error: cancelled by nobody');
}
