import { isTsbuildError, TsbuildError } from '../support/errors.js';
import { explainRestriction, inUserNamespace } from '../support/user-namespace.js';
import { ChrootSandbox } from './chroot/chroot-sandbox.js';
import { openNamespaces } from './namespaces/open-namespaces.js';
import { findRuntimes, RUNTIMES, type Runtime } from './runtime/runtime.js';
import type { IsolationName, Sandbox } from './sandbox.js';

export interface SandboxOptions {
  /** Absolute, and on the file system that root file systems are on: what can be mounted there is found out there. */
  readonly temporaryDirectory: string;
  /** `auto`: the first of `ISOLATIONS` that works. */
  readonly isolation: 'auto' | IsolationName;
  /** How many runs are to come, as far as is known, beside those that have begun: no more is made ready. Absent: always more. */
  readonly upcoming?: () => number;
  /** Of those that are installed, the ones to use. Absent: all. */
  readonly runtimes?: readonly Runtime[];
}

/** The strongest first: the ladder that `auto` goes down. */
export const ISOLATIONS: readonly IsolationName[] = ['namespaces', 'oci', 'bwrap', 'chroot'];

/**
 * Chooses by trying. The caller is root, of the host or of a user namespace.
 * @throws `SANDBOX_UNAVAILABLE` with what was tried, what forbids it and how to allow it
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { isolation } = options;
  if (isolation !== 'auto') return await OPENERS[isolation](options);
  const failures: TsbuildError[] = [];
  for (const name of ISOLATIONS) {
    try {
      return await OPENERS[name](options);
    } catch (error) {
      if (!isTsbuildError(error, 'SANDBOX_UNAVAILABLE')) throw error;
      failures.push(error);
    }
  }
  throw nothingWorks(failures);
}

const OPENERS: Readonly<Record<IsolationName, (options: SandboxOptions) => Promise<Sandbox>>> = {
  namespaces: openOwn,
  oci: (options) => openByRuntime('oci', options),
  bwrap: (options) => openByRuntime('bwrap', options),
  chroot: openChroot,
};

async function openOwn({ temporaryDirectory, upcoming = () => Infinity }: SandboxOptions): Promise<Sandbox> {
  try {
    return await openNamespaces({ temporaryDirectory, upcoming, runtime: null });
  } catch (error) {
    throw isTsbuildError(error, 'SANDBOX_FAILED') ? unavailable('from the machine', error) : error;
  }
}

const MISSING = {
  oci: { state: 'neither "crun" nor "runc" is installed', hint: 'Install the package "crun" or "runc".' },
  bwrap: { state: 'the program "bwrap" is not installed', hint: 'Install the package "bubblewrap".' },
} as const;

/** By the first that works. */
async function openByRuntime(isolation: keyof typeof RUNTIMES, options: SandboxOptions): Promise<Sandbox> {
  const { temporaryDirectory, upcoming = () => Infinity, runtimes } = options;
  let failure: TsbuildError | undefined;
  for (const runtime of runtimes ?? findRuntimes(RUNTIMES[isolation])) {
    try {
      return await openNamespaces({ temporaryDirectory, upcoming, runtime });
    } catch (error) {
      if (!isTsbuildError(error, 'SANDBOX_FAILED')) throw error;
      failure ??= unavailable(`by "${runtime.program}"`, error);
    }
  }
  if (failure !== undefined) throw failure;
  const { state, hint } = MISSING[isolation];
  throw new TsbuildError('SANDBOX_UNAVAILABLE', `cannot isolate steps by ${isolation}: ${state}`, { hint });
}

async function openChroot({ temporaryDirectory }: SandboxOptions): Promise<Sandbox> {
  if (ChrootSandbox.isPossible()) return await ChrootSandbox.open(temporaryDirectory);
  const reason = process.geteuid?.() === 0 ? 'the capability CAP_SYS_CHROOT is missing' : 'this process is not root';
  throw new TsbuildError('SANDBOX_UNAVAILABLE', `cannot confine steps by chroot: ${reason}`, {
    hint: 'Run tsbuild as root of the container, with the capability CAP_SYS_CHROOT.',
  });
}

/** `how` the steps are not isolated: "from the machine", or by which program. */
function unavailable(how: string, cause: TsbuildError): TsbuildError {
  const { reason, hint } = inUserNamespace() ? explainRestriction(cause.message) : missingRights(cause);
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot isolate steps ${how}: ${reason}`, { cause, hint });
}

function missingRights({ message }: TsbuildError): { readonly reason: string; readonly hint: string } {
  return {
    reason: message,
    hint:
      process.geteuid?.() === 0
        ? 'Give the container the capabilities SYS_ADMIN and NET_ADMIN and "--security-opt seccomp=unconfined"; with SYS_CHROOT alone, steps are confined by chroot.'
        : 'Run tsbuild as root, or in a user namespace.',
  };
}

/** The remedy for the strongest is the one to have; what the others say is there to be read. */
function nothingWorks(failures: readonly TsbuildError[]): TsbuildError {
  const [first, ...others] = failures;
  const tried = others.map(({ message }) => `; ${message}`).join('');
  return new TsbuildError('SANDBOX_UNAVAILABLE', `${first?.message ?? 'cannot isolate steps'}${tried}`, {
    cause: first,
    hint: first?.hint,
  });
}
