import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { fsPath, type ByteString } from './byte-string.js';
import { invariant } from './invariant.js';

/** Linux's O_PATH, which Node does not name: a directory may be held that may not be listed. */
const O_PATH = 0o10000000;
const OPEN_DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const PROC_SUPER_MAGIC = 0x9fa0;
const KEPT_OPEN = 64;

/**
 * Directories below one root, each opened one component at a time without following symbolic links, and held open.
 *
 * Calls act on `/proc/self/fd/<n>/<name>`: the kernel goes from there to the directory that was opened, so that nothing which
 * is renamed or replaced meanwhile leads them out of the root. This does what openat2(2) with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS does, on every kernel and under every seccomp profile. It resolves no symbolic links itself: paths are
 * relative, their components neither empty nor `.` nor `..`.
 */
export class RootedDirectories implements Disposable {
  readonly #root: number;
  /** By path, the one used longest ago first. */
  readonly #open = new Map<string, number>();

  constructor(root: string | ByteString) {
    // Where /proc is something else, all of this would be a walk through another's files.
    invariant(statfsSync('/proc').type === PROC_SUPER_MAGIC, '/proc is not the proc file system');
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

  /** From the nearest ancestor that is open. The parent is kept too: siblings come next. */
  #walk(path: ByteString): number {
    const slash = path.lastIndexOf('/');
    if (slash === -1) return openBelow(this.#root, path);
    const parent = path.slice(0, slash) as ByteString;
    const known = this.#open.get(parent);
    if (known !== undefined) return openBelow(known, path.slice(slash + 1));
    let [start, from] = [parent, -1];
    while (from === -1 && start !== '') {
      start = start.slice(0, Math.max(start.lastIndexOf('/'), 0)) as ByteString;
      from = this.#open.get(start) ?? (start === '' ? this.#root : -1);
    }
    const opened = openChain(from, parent.slice(start === '' ? 0 : start.length + 1).split('/'));
    this.#keep(parent, opened);
    return openBelow(opened, path.slice(slash + 1));
  }

  #keep(path: ByteString, descriptor: number): void {
    this.#open.set(path, descriptor);
    if (this.#open.size <= KEPT_OPEN) return;
    for (const [oldest, stale] of this.#open) {
      this.#open.delete(oldest);
      closeSync(stale);
      return;
    }
  }
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
