import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { fsPath, type ByteString } from './byte-string.js';
import { systemErrorCode } from './errors.js';
import { invariant } from './invariant.js';
import { O_CLOEXEC, O_PATH, openInRoot, RESOLVE, SyscallError } from './syscalls.js';

/** A directory may be held that may not be listed. */
const OPEN_DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const BENEATH = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks;
const PROC_SUPER_MAGIC = 0x9fa0;
const KEPT_OPEN = 64;
/** Components. In paths of a thousand of them, looking for all ancestors, or opening all of them, would take a thousand steps each time. */
const STRIDE = 32;
/** The kernel takes 4095 bytes at a time; longer paths are walked. */
const MAX_PATH_AT_ONCE = 4000;

export interface RootedOptions {
  /** `false` for one that never asks openat2(2). */
  readonly openat2?: boolean;
}

/**
 * Directories below one root, opened without following symbolic links in any component, and held open.
 *
 * The kernel resolves a path of several names, by openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS. Where it has no such call (before Linux
 * 5.6) or a seccomp profile forbids it, each component is opened in the one before: to the same effect, a call for each.
 * Files are then reached as `/proc/self/fd/<n>/<name>`: the kernel goes from there to the directory that was opened, so that nothing
 * which is renamed or replaced meanwhile leads out of the root. No symbolic links are resolved here: paths are relative,
 * their components neither empty nor `.` nor `..`.
 */
export class RootedDirectories implements Disposable {
  readonly #root: number;
  /** By path, the one used longest ago first. */
  readonly #open = new Map<string, number>();
  #openat2: boolean;

  constructor(root: string | ByteString, { openat2 = true }: RootedOptions = {}) {
    // Where /proc is something else, all of this would be a walk through another's files.
    invariant(statfsSync('/proc').type === PROC_SUPER_MAGIC, '/proc is not the proc file system');
    this.#openat2 = openat2;
    this.#root = openSync(root, O_PATH | constants.O_DIRECTORY);
  }

  /**
   * An absolute path of the directory itself, good for calls that follow symbolic links and for those that do not. Like all
   * paths from here it is good for the next few calls only: descriptors beyond 64 are closed.
   * @throws system errors: ENOENT, and ENOTDIR where a component is a symbolic link or a file
   */
  self(path: ByteString): ByteString {
    return `/proc/self/fd/${this.#descriptor(path)}/.` as ByteString;
  }

  /** An absolute path of a name in a directory. @throws as `self` does */
  child(directory: ByteString, name: ByteString): ByteString {
    return `/proc/self/fd/${this.#descriptor(directory)}/${name}` as ByteString;
  }

  /** To be called when a directory has been removed or replaced. */
  forget(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
  }

  [Symbol.dispose](): void {
    this.forget();
    closeSync(this.#root);
  }

  #descriptor(path: ByteString): number {
    if (path === '') return this.#root;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const descriptor = this.#walk(path);
    this.#keep(path, descriptor);
    return descriptor;
  }

  /** From the nearest ancestor that is open, or from the root by way of one that will be near to what comes next. */
  #walk(path: ByteString): number {
    const { from, start } = this.#nearest(path);
    const waypoint = slashBack(path, STRIDE);
    if (waypoint <= start) return this.#resolve(path, { from, start });
    const descriptor = this.#resolve(path.slice(0, waypoint) as ByteString, { from, start });
    this.#keep(path.slice(0, waypoint), descriptor);
    return this.#resolve(path, { from: descriptor, start: waypoint + 1 });
  }

  /** @returns where in the path the names begin that are to be opened below it */
  #nearest(path: ByteString): { readonly from: number; readonly start: number } {
    let slash = path.lastIndexOf('/');
    for (let count = 0; slash > 0 && count < STRIDE; count++) {
      const from = this.#open.get(path.slice(0, slash));
      if (from !== undefined) return { from, start: slash + 1 };
      slash = path.lastIndexOf('/', slash - 1);
    }
    return { from: this.#root, start: 0 };
  }

  /** Where components are opened one by one the parent is kept too: siblings come next. */
  #resolve(path: ByteString, { from, start }: { readonly from: number; readonly start: number }): number {
    const rest = path.slice(start) as ByteString;
    const slash = rest.lastIndexOf('/');
    // A single name needs no openat2(2): O_NOFOLLOW says all, and costs half as much.
    if (slash === -1) return openBelow(from, rest);
    const descriptor = this.#openAtOnce(from, rest);
    if (descriptor !== undefined) return descriptor;
    const parent = openChain(from, rest.slice(0, slash).split('/'));
    this.#keep(path.slice(0, start + slash), parent);
    return openBelow(parent, rest.slice(slash + 1));
  }

  /** `undefined` when this kernel has no such call, or may not be asked. */
  #openAtOnce(from: number, path: ByteString): number | undefined {
    if (!this.#openat2 || path.length > MAX_PATH_AT_ONCE) return undefined;
    try {
      return openInRoot(from, path, { flags: OPEN_DIRECTORY | O_CLOEXEC, resolve: BENEATH });
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOSYS' || code === 'EPERM') {
        this.#openat2 = false;
        return undefined;
      }
      // As open(2) has it for a symbolic link in the place of a directory.
      throw code === 'ELOOP' ? new SyscallError('openat2', osConstants.errno.ENOTDIR, path) : error;
    }
  }

  #keep(path: string, descriptor: number): void {
    this.#open.set(path, descriptor);
    if (this.#open.size <= KEPT_OPEN) return;
    for (const [oldest, stale] of this.#open) {
      this.#open.delete(oldest);
      closeSync(stale);
      return;
    }
  }
}

/** Where the slash is that has so many components after it; -1 when there are not so many. */
function slashBack(path: ByteString, components: number): number {
  let slash = path.length;
  for (let count = 0; slash > 0 && count < components; count++) slash = path.lastIndexOf('/', slash - 1);
  return slash;
}

function openBelow(directory: number, name: string): number {
  return openSync(fsPath(`/proc/self/fd/${directory}/${name}` as ByteString), OPEN_DIRECTORY);
}

/** Only the last descriptor is left open. */
function openChain(from: number, names: readonly string[]): number {
  let current = from;
  for (const name of names) {
    const previous = current;
    try {
      current = openBelow(previous, name);
    } finally {
      if (previous !== from) closeSync(previous);
    }
  }
  return current;
}
