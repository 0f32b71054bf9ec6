import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import { CLONE, MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { CallProcess } from '../calls/call-process.js';
import { mount, openPath } from '../calls/kernel-calls.js';
import { installedEmulators, type InstalledEmulator } from './installed-emulators.js';
import { programHeader, programMask } from './machines.js';

/**
 * A user namespace with the ids of this one, in which emulators are registered: since Linux 6.7 each user namespace can have a
 * binfmt_misc of its own, which counts for what runs in it and for nothing else. A process keeps it mounted, for the entries go with
 * the mount.
 */
export class EmulatorNamespace implements AsyncDisposable {
  /** Of the namespace, for setns(2). */
  readonly descriptor: number;
  readonly #keeper: CallProcess;

  private constructor(keeper: CallProcess) {
    this.#keeper = keeper;
    this.descriptor = openSync(`/proc/${keeper.pid}/ns/user`, 'r');
  }

  /**
   * @param program the path of a `callProgram`
   * @param directory an empty one to mount on
   * @throws `SANDBOX_UNAVAILABLE` where the kernel does not allow it
   */
  static async open(program: string, directory: string): Promise<EmulatorNamespace> {
    const nothing = openSync('/dev/null', 'r+');
    let keeper: CallProcess;
    try {
      keeper = new CallProcess(program, [nothing, nothing, nothing]);
    } finally {
      closeSync(nothing);
    }
    try {
      await keeper.make((calls) => {
        calls.call('unshare', [CLONE.newuser | CLONE.newns]);
      });
      for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${keeper.pid}/${file}`, sameIds(file));
      await keeper.make((calls) => {
        mount(calls, { source: null, target: '/', flags: MS.rec | MS.slave });
        const flags = MS.nosuid | MS.nodev | MS.noexec;
        mount(calls, { source: 'binfmt_misc', target: directory, type: 'binfmt_misc', flags });
        register(calls, join(directory, 'register'));
      });
      keeper.hold(false);
      return new EmulatorNamespace(keeper);
    } catch (error) {
      await keeper[Symbol.asyncDispose]();
      throw isTsbuildError(error) || systemErrorCode(error) !== undefined ? notAllowed(error) : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.descriptor);
    await this.#keeper[Symbol.asyncDispose]();
  }
}

/** A map in which every id of this namespace stands for itself (user_namespaces(7)). */
function sameIds(file: string): string {
  const ranges = readFileSync(`/proc/self/${file}`, 'utf8').trim().split('\n');
  return ranges
    .map((line) => line.trim().split(/\s+/))
    .map(([inside = '', , length = '']) => `${inside} ${inside} ${length}`)
    .join('\n');
}

function register(calls: CallList, path: string): void {
  for (const emulator of installedEmulators()) {
    calls.during(`register "${emulator.program}"`, () => {
      const file = openPath(calls, { path, flags: constants.O_WRONLY });
      const line = registration(emulator);
      calls.call('write', [file, calls.data(line), line.length]);
      calls.call('close', [file]);
    });
  }
}

/**
 * `:name:type:offset:magic:mask:interpreter:flags`. F: the interpreter is opened now, by this machine's path; O and C: it is given the
 * open program, whose set-user-ID bits count; P: and the name that the program was called by.
 */
export function registration({ kind, program }: InstalledEmulator): Uint8Array {
  const escaped = (bytes: Uint8Array): string =>
    [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const [magic, mask] = [programHeader(kind), programMask(kind)].map(escaped);
  return Buffer.from(`:tsbuild-${kind.architecture}:M::${magic ?? ''}:${mask ?? ''}:${program}:FOCP`, 'latin1');
}

function notAllowed(cause: unknown): TsbuildError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot register emulators for steps: ${reason}`, {
    hint: 'That needs Linux 6.7 and user namespaces. "docker run --privileged --rm tonistiigi/binfmt --install all" registers emulators for the whole machine, and then this is not needed.',
    cause,
  });
}
