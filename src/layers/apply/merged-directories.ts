import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { baseName, childPath, parentPath, pathComponents, ROOT } from '../../support/byte-path.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from '../tree.js';

/** What a layer has of its own at a path without links. */
export type OwnFile =
  | { readonly kind: 'directory'; readonly mtime: TreeEntry['mtime'] }
  | { readonly kind: 'link'; readonly target: ByteString }
  /** Or a whiteout. */
  | { readonly kind: 'other' };

/** The files of the layer that is being applied, on a disk or in memory. Paths have their links resolved. */
export interface OwnFiles {
  look(path: ByteString): OwnFile | undefined;
  makeDirectory(path: ByteString): void;
  /** What is there, and is no directory. */
  remove(path: ByteString): void;
  /** Directories may have been removed, and others made in their place. */
  forget(): void;
}

export interface MergedDirectoriesOptions {
  readonly own: OwnFiles;
  /** What lies below an overlay's upper directory; `null` when all files are in one directory. */
  readonly below: Pick<Tree, 'lstat'> | null;
  /** Tells of every directory passed through for the first time: made here, with these attributes, or found as it was. */
  readonly onDirectory: (path: ByteString, made: TreeEntry | undefined, mtime: TreeEntry['mtime']) => void;
  /** Marks a directory of the upper one that is to hide what is below it. */
  readonly onOpaque: (path: ByteString) => void;
}

/** `create` makes what is missing, and copies up what only lower layers have; `existing` makes no new directories. */
export type ResolveMode = 'create' | 'existing';

const MAX_LINKS = 40;

/**
 * Finds the directory that a path of a layer means, in the file system that the layer is applied to: symbolic links in it, of this
 * layer or of lower ones, are followed inside the root, as a process would whose root it is.
 */
export class MergedDirectories {
  readonly #options: MergedDirectoriesOptions;
  /** Paths as layers have them, to paths without links. */
  readonly #resolved = new Map<ByteString, ByteString>();
  /** Links that these went through. */
  readonly #followed = new Set<ByteString>();
  /** Directories of this layer that hide what lower layers have in their place. */
  readonly #opaque = new Set<ByteString>();

  constructor(options: MergedDirectoriesOptions) {
    this.#options = options;
  }

  /** @returns `undefined`, in mode `existing`, when there is no such directory */
  resolve(path: ByteString, mode: ResolveMode): ByteString | undefined {
    if (path === '') return ROOT;
    const known = this.#resolved.get(path);
    if (known !== undefined) return known;
    const parent = this.resolve(parentPath(path), mode);
    if (parent === undefined) return undefined;
    const resolved = this.#step(childPath(parent, baseName(path)), { mode, linksLeft: MAX_LINKS });
    if (resolved !== undefined) this.#resolved.set(path, resolved);
    return resolved;
  }

  /** What lower layers have at a path without links, unless this layer hides it. */
  below(path: ByteString): TreeEntry | undefined {
    if (this.#options.below === null || this.#isHidden(path)) return undefined;
    return this.#options.below.lstat(path);
  }

  hideBelow(path: ByteString): void {
    if (this.#options.below !== null) this.#opaque.add(path);
  }

  /** To be told of whatever is made or removed, lest a path lead where it no longer does. */
  changed(path: ByteString, removed?: 'directory'): void {
    if (removed !== 'directory' && !this.#followed.has(path)) return;
    this.#resolved.clear();
    this.#followed.clear();
    this.#options.own.forget();
  }

  #step(path: ByteString, way: Way): ByteString | undefined {
    const { own } = this.#options;
    const found = own.look(path);
    if (found?.kind === 'directory') {
      this.#options.onDirectory(path, undefined, found.mtime);
      return path;
    }
    if (found?.kind === 'link') return this.#follow(path, found.target, way);
    if (found === undefined) return this.#stepBelow(path, way);
    if (way.mode === 'existing') return undefined;
    // A file of this layer is in the way, or a whiteout: what it hides must not shine through the new directory.
    own.remove(path);
    this.hideBelow(path);
    return this.#make(path, PLAIN_DIRECTORY);
  }

  /** Of what only lower layers may have. */
  #stepBelow(path: ByteString, way: Way): ByteString | undefined {
    const lower = this.below(path);
    if (lower?.type === 'directory') return this.#make(path, lower);
    if (lower?.linkTarget !== undefined) return this.#follow(path, lower.linkTarget, way);
    return way.mode === 'existing' ? undefined : this.#make(path, PLAIN_DIRECTORY);
  }

  #make(path: ByteString, attributes: TreeEntry): ByteString {
    this.#options.own.makeDirectory(path);
    if (this.#opaque.has(path)) this.#options.onOpaque(path);
    this.#options.onDirectory(path, attributes, attributes.mtime);
    return path;
  }

  #follow(path: ByteString, target: ByteString, way: Way): ByteString | undefined {
    if (way.linksLeft-- === 0) throw tooManyLinks(path);
    this.#followed.add(path);
    let current: ByteString | undefined = target.startsWith('/') ? ROOT : parentPath(path);
    for (const name of pathComponents(target)) {
      if (current === undefined) return undefined;
      if (name === ('..' as ByteString)) current = parentPath(current);
      else current = this.#step(childPath(current, name), way);
    }
    return current;
  }

  #isHidden(path: ByteString): boolean {
    if (this.#opaque.size === 0) return false;
    for (let directory = path; directory !== ''; directory = parentPath(directory)) {
      if (this.#opaque.has(directory)) return true;
    }
    return this.#opaque.has(ROOT);
  }
}

interface Way {
  readonly mode: ResolveMode;
  linksLeft: number;
}

function tooManyLinks(path: ByteString): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot resolve path "/${textOfBytes(path)}": too many symbolic links`, {
    hint: 'The image is damaged or was made to do harm; pull it again, or use another.',
  });
}
