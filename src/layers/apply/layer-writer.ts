import { type FileStat, statFile } from '../files/file-stat.js';
import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { fsPath, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { RootedDirectories } from '../../support/rooted-path.js';
import { makeNode, S_IFMT } from '../../support/syscalls.js';
import { baseName, childPath, parentPath, ROOT } from '../../support/byte-path.js';
import {
  setDirectoryAttributes,
  setFileAttributes,
  setMtime,
  setSpecialAttributes,
  storeXattr,
  type AttributeWriting,
} from '../files/file-attributes.js';
import { isWhiteout, timestampOf } from '../files/file-entry.js';
import { DEVICE_XATTR } from '../files/ownership.js';
import { isMissing } from '../layers-tree.js';
import type { TarEntry, Timestamp } from '../tar-entry.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from '../tree.js';
import { parseWhiteoutName } from '../whiteout.js';
import { MergedDirectories } from './merged-directories.js';
import { createHiding, type Hiding } from './hiding.js';
import { filesBelow } from './files-below.js';
import { removeDirectory } from './remove-directory.js';

export interface LayerTarget extends AttributeWriting {
  /** Absolute path of the directory that gets the files. */
  readonly root: ByteString;
  /** Of an overlay: what is below `root`, and overlayfs's mark on opaque directories. `null` when `root` holds all files. */
  readonly overlay: {
    readonly below: Tree;
    readonly opaqueXattr: ByteString;
    /** Whether `root` is to look as the root below it where the layer does not say how: nobody has seen to that yet. */
    readonly takesRoot?: boolean;
  } | null;
}

/** PATH_MAX, less what the place of a finished snapshot may be longer than that of an unfinished one. */
const MAX_HOST_PATH = 4096 - 160;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Attributes that a directory gets when all else is done; `null` for one that only keeps its time. */
interface DirectoryNote {
  readonly attributes: TarEntry | null;
  readonly mtime: Timestamp;
}

/**
 * Writes the entries of one layer below a root, with synchronous calls. An entry may name anything: nothing outside of the root is
 * touched, and nothing is reached through a symbolic link but as a process inside the root would.
 */
export class LayerWriter implements Disposable {
  readonly #target: LayerTarget;
  readonly #directories: RootedDirectories;
  readonly #merged: MergedDirectories;
  readonly #hiding: Hiding;
  readonly #notes = new Map<ByteString, DirectoryNote>();
  #file:
    | { readonly path: ByteString; readonly host: ByteString; readonly descriptor: number; readonly entry: TarEntry }
    | undefined;
  /** Bytes of it that have been written or passed over. */
  #position = 0;

  constructor(target: LayerTarget) {
    this.#target = target;
    this.#directories = new RootedDirectories(target.root);
    this.#merged = new MergedDirectories({
      own: filesBelow(this.#directories),
      below: target.overlay?.below ?? null,
      onDirectory: (path, made, mtime) => {
        this.#noteDirectory(path, made, mtime);
      },
      onOpaque: (path) => {
        this.#hiding.hideAllBelow(path);
      },
    });
    this.#hiding = createHiding(target.overlay, { directories: this.#directories, merged: this.#merged });
    const root = target.overlay?.takesRoot === true ? undefined : statFile(this.#directories.self(ROOT));
    if (root !== undefined) this.#noteDirectory(ROOT, undefined, timestampOf(root.mtimeNs));
  }

  begin(entry: TarEntry): void {
    const name = parseWhiteoutName(entry.path);
    if (name.kind !== 'none') {
      if (name.kind === 'whiteout') this.#whiteout(name.path);
      else if (name.kind === 'opaque') this.#opaque(name.path);
      return;
    }
    if (entry.path === '') {
      if (entry.type !== 'directory') throw invalidEntry(entry, 'it would put something else in the place of the root');
      this.#note(ROOT, { ...entry, path: ROOT });
      return;
    }
    const path = this.#place(entry.path);
    this.#make(path, { ...entry, path });
    this.#hiding.wrote(path);
  }

  /** Content of the file that was begun. Of whiteouts there is none to write. */
  write(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    const { descriptor } = this.#file;
    for (let at = 0; at < bytes.byteLength;) {
      const count = writeSync(descriptor, bytes, at, bytes.byteLength - at, this.#position);
      this.#position += count;
      at += count;
    }
  }

  /** Leaves a hole in the file that was begun: zeros that take no room. */
  skip(size: number): void {
    if (this.#file === undefined) return;
    this.#position += size;
    ftruncateSync(this.#file.descriptor, this.#position);
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    setFileAttributes(file.host, file.descriptor, [file.entry, this.#target]);
    this.#file = undefined;
    closeSync(file.descriptor);
  }

  /** Gives the directories their attributes, the innermost first. */
  finish(): void {
    for (const [path, { attributes, mtime }] of [...this.#notes].reverse()) {
      try {
        const host = this.#directories.self(path);
        if (attributes === null) setMtime(host, mtime);
        else setDirectoryAttributes(host, [attributes, this.#target]);
      } catch (error) {
        // A later entry has removed it again, or one above it.
        if (!isMissing(error)) throw error;
      }
    }
    this.#takeRoot();
  }

  /** overlayfs shows the root of the topmost directory: it must look as the one below it does. */
  #takeRoot(): void {
    const { overlay } = this.#target;
    if (overlay?.takesRoot !== true || this.#notes.has(ROOT)) return;
    const root = { ...(overlay.below.lstat(ROOT) ?? PLAIN_DIRECTORY), path: ROOT, xattrs: overlay.below.xattrs(ROOT) };
    // Of roots nothing is recorded elsewhere than at themselves.
    setDirectoryAttributes(this.#directories.self(ROOT), [root, { ...this.#target, owners: new Map() }]);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
    this.#directories[Symbol.dispose]();
  }

  /** Where an entry goes: its parents made or followed. */
  #place(path: ByteString): ByteString {
    const parent = this.#merged.resolve(parentPath(path), 'create') ?? ROOT;
    const place = childPath(parent, baseName(path));
    if (this.#target.root.length + place.length > MAX_HOST_PATH) throw invalidPlace(path);
    return place;
  }

  #host(path: ByteString): ByteString {
    return this.#directories.child(parentPath(path), baseName(path));
  }

  #make(path: ByteString, entry: TarEntry): void {
    switch (entry.type) {
      case 'directory':
        this.#makeDirectory(path, entry);
        break;
      case 'file':
        this.#openFile(path, entry);
        break;
      case 'hardlink':
        this.#makeLink(path, entry);
        break;
      default:
        this.#makeSpecial(path, entry);
    }
  }

  #makeDirectory(path: ByteString, entry: TarEntry): void {
    const host = this.#host(path);
    const there = statFile(host);
    if (there?.isDirectory() !== true) {
      if (there !== undefined) {
        unlinkSync(fsPath(host));
        this.#merged.hideBelow(path);
      }
      mkdirSync(fsPath(host), 0o700);
      if (there !== undefined) this.#hiding.hideAllBelow(path);
      this.#merged.changed(path);
    }
    this.#note(path, entry);
  }

  #openFile(path: ByteString, entry: TarEntry): void {
    const descriptor = this.#replacing(path, (host) => openSync(fsPath(host), CREATE, 0o600));
    this.#file = { path, host: this.#host(path), descriptor, entry };
    this.#position = 0;
  }

  /** The link is to what the layer means by its target, which a lower layer may hold. It has the attributes of its target. */
  #makeLink(path: ByteString, entry: TarEntry): void {
    const named = entry.linkTarget ?? ROOT;
    const parent = named === '' ? undefined : this.#merged.resolve(parentPath(named), 'existing');
    const target = parent === undefined ? undefined : childPath(parent, baseName(named));
    if (target === path) return;
    if (target === undefined || !this.#isLinkable(target)) throw invalidEntry(entry, 'it is a hard link to no file');
    this.#replacing(path, (host) => {
      linkSync(fsPath(this.#host(target)), fsPath(host));
    });
    const owner = this.#target.owners.get(target);
    if (owner !== undefined) this.#target.owners.set(path, owner);
  }

  /** Whether a file is there to link to. One that only a lower layer has is copied up. */
  #isLinkable(target: ByteString): boolean {
    const stat = statFile(this.#host(target));
    if (stat !== undefined) return !stat.isDirectory() && !this.#isWhiteout(stat);
    const lower = this.#merged.below(target);
    if (lower === undefined || lower.type === 'directory' || lower.type === 'socket') return false;
    this.#copyUp(target, { ...lower, type: lower.type });
    return true;
  }

  #isWhiteout(stat: FileStat): boolean {
    return this.#target.overlay !== null && isWhiteout(stat);
  }

  #copyUp(path: ByteString, lower: TreeEntry & { readonly type: TarEntry['type'] }): void {
    const below = this.#target.overlay?.below;
    if (below === undefined) return;
    this.#make(path, { ...lower, path, xattrs: below.xattrs(path) });
    if (lower.type !== 'file') return;
    for (const chunk of below.read(path)) this.write(chunk);
    this.end();
  }

  #makeSpecial(path: ByteString, entry: TarEntry): void {
    if (entry.type === 'symlink') {
      this.#replacing(path, (host) => {
        symlinkSync(fsPath(entry.linkTarget ?? ROOT), fsPath(host));
      });
      setSpecialAttributes(this.#host(path), [entry, this.#target], { chmod: false });
    } else if (entry.type === 'fifo') {
      this.#replacing(path, (host) => {
        makeNode(host, S_IFMT.fifo, NO_DEVICE);
      });
      setSpecialAttributes(this.#host(path), [entry, this.#target], { chmod: true });
    } else {
      this.#makeDevice(path, entry);
    }
  }

  /** In a user namespace nobody may make devices; and the device 0:0 is how overlayfs writes whiteouts. */
  #makeDevice(path: ByteString, entry: TarEntry): void {
    const { major, minor } = entry.device ?? NO_DEVICE;
    const kind = entry.type === 'block-device' ? S_IFMT.block : S_IFMT.character;
    const made = (major !== 0 || minor !== 0) && this.#tryNode(path, { kind, major, minor });
    if (made) setSpecialAttributes(this.#host(path), [entry, this.#target], { chmod: true });
    else this.#makePlaceholder(path, entry);
  }

  #tryNode(path: ByteString, { kind, ...device }: { kind: number; major: number; minor: number }): boolean {
    try {
      this.#replacing(path, (host) => {
        makeNode(host, kind, device);
      });
      return true;
    } catch (error) {
      if (systemErrorCode(error) !== 'EPERM') throw error;
      return false;
    }
  }

  #makePlaceholder(path: ByteString, entry: TarEntry): void {
    const { major, minor } = entry.device ?? NO_DEVICE;
    this.#openFile(path, entry);
    storeXattr(this.#host(path), DEVICE_XATTR, Buffer.from(`${entry.type}:${major}:${minor}`));
    this.end();
  }

  /** Makes a file where another may be: what is there goes first, a directory with all that is in it. */
  #replacing<T>(path: ByteString, make: (host: ByteString) => T): T {
    let made: T;
    try {
      made = make(this.#host(path));
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      this.#remove(path);
      made = make(this.#host(path));
    }
    this.#merged.changed(path);
    return made;
  }

  #remove(path: ByteString): void {
    const host = this.#host(path);
    this.#target.owners.delete(path);
    if (statFile(host)?.isDirectory() === true) {
      removeDirectory(this.#directories, [parentPath(path), baseName(path)]);
      this.#merged.changed(path, 'directory');
    } else {
      unlinkSync(fsPath(host));
    }
  }

  #whiteout(path: ByteString): void {
    const parent = this.#merged.resolve(parentPath(path), 'existing');
    if (parent !== undefined) this.#hiding.hide(childPath(parent, baseName(path)));
  }

  #opaque(directory: ByteString): void {
    const resolved = this.#merged.resolve(directory, 'existing');
    if (resolved === undefined) return;
    this.#hiding.hideAllBelow(resolved);
    this.#merged.hideBelow(resolved);
  }

  #noteDirectory(path: ByteString, made: TreeEntry | undefined, mtime: Timestamp): void {
    if (made === undefined) {
      if (!this.#notes.has(path)) this.#notes.set(path, { attributes: null, mtime });
      return;
    }
    const xattrs = this.#target.overlay?.below.xattrs(path) ?? new Map<ByteString, Uint8Array>();
    this.#note(path, { ...made, path, type: 'directory', xattrs });
    this.#hiding.wrote(path);
  }

  #note(path: ByteString, attributes: TarEntry): void {
    this.#notes.set(path, { attributes, mtime: attributes.mtime });
  }
}

const NO_DEVICE = { major: 0, minor: 0 };

function invalidPlace(path: ByteString): TsbuildError {
  const shown = textOfBytes(path).slice(0, 200);
  return new TsbuildError('LAYER_INVALID', `cannot apply entry "/${shown}…": its path is too long for the store`, {
    hint: 'Use another image, or a store whose own path is shorter.',
  });
}

function invalidEntry(entry: TarEntry, state: string): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot apply entry "/${textOfBytes(entry.path)}": ${state}`, {
    hint: 'The image is damaged or was made to do harm; pull it again, or use another.',
  });
}
