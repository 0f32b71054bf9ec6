import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTsbuildError, TsbuildError } from '../support/errors.js';
import { explainRestriction, inUserNamespace } from '../support/user-namespace.js';
import { ChrootSandbox } from './chroot-sandbox.js';
import { callProgram } from './calls/call-program.js';
import { Launcher } from './launcher.js';
import { NamespaceSandbox } from './namespace-sandbox.js';
import { currentRights } from './privileges.js';
import { probeNamespaces } from './probe-namespaces.js';
import type { Sandbox } from './sandbox.js';
import { dockerSeccompFilter } from './seccomp/docker-filter.js';

export interface SandboxOptions {
  /** Absolute, and on the file system that root file systems are on: what can be mounted there is found out there. */
  readonly temporaryDirectory: string;
  /** `auto`: namespaces where the machine allows them, else chroot where this process is root. */
  readonly isolation: 'auto' | 'namespaces' | 'chroot';
  /** How many runs are to come, as far as is known, beside those that have begun: no more is made ready. Absent: always more. */
  readonly upcoming?: () => number;
}

/**
 * Chooses by trying. The caller is root, of the host or of a user namespace.
 * @throws `SANDBOX_UNAVAILABLE` with what forbids it and how to allow it
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { temporaryDirectory, isolation, upcoming = () => Infinity } = options;
  if (isolation === 'chroot') return createChroot(temporaryDirectory);
  try {
    return await createNamespaces(temporaryDirectory, upcoming);
  } catch (error) {
    if (!isTsbuildError(error, 'SANDBOX_FAILED')) throw error;
    if (isolation === 'auto' && ChrootSandbox.isPossible()) return createChroot(temporaryDirectory);
    throw unavailable(error);
  }
}

function createChroot(temporaryDirectory: string): Sandbox {
  if (!ChrootSandbox.isPossible()) {
    throw new TsbuildError('SANDBOX_UNAVAILABLE', 'cannot confine steps by chroot: this process is not root', {
      hint: 'Run tsbuild as root of the container, with the capability CAP_SYS_CHROOT.',
    });
  }
  return new ChrootSandbox(temporaryDirectory);
}

function unavailable(cause: TsbuildError): TsbuildError {
  const { reason, hint } = inUserNamespace() ? explainRestriction(cause.message) : missingRights(cause);
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot isolate steps from the machine: ${reason}`, { cause, hint });
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

async function createNamespaces(temporaryDirectory: string, upcoming: () => number): Promise<Sandbox> {
  const directory = await mkdtemp(join(temporaryDirectory, 'sandbox-'));
  const [program, place, trial] = ['init', 'parts', 'probe'].map((name) => join(directory, name)) as Places;
  const launcher = new Launcher({ program, directory: place });
  try {
    for (const path of [place, trial]) await mkdir(path);
    await writeFile(program, callProgram(process.arch), { mode: 0o500 });
    // One to probe with, and meanwhile one for the run that this is all for.
    launcher.prepare(2);
    const overlayMethod = await probeNamespaces(launcher, { trial, userxattr: inUserNamespace() });
    await rm(trial, { recursive: true, force: true });
    const [filter, rights] = [dockerSeccompFilter(process.arch), currentRights()];
    return new NamespaceSandbox({ launcher, overlayMethod, filter, rights, upcoming, directory });
  } catch (error) {
    await launcher[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
type Places = [program: string, place: string, trial: string];
