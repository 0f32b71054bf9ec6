import { baseName, childPath, parentPath, ROOT } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import { MergedDirectories, type OwnFile } from '../apply/merged-directories.js';
import { PLAIN_DIRECTORY, type Tree, type TreeEntry } from '../tree.js';
import { parseWhiteoutName } from '../whiteout.js';
import { ContentElsewhereError } from './content-elsewhere.js';
import { mtimeOf, type FileNode, type Look } from './file-node.js';
import type { LayerContent } from './layer-content.js';
import { entryOf } from './read-layer-index.js';
import type { IndexedFile, LayerIndex } from './layer-index.js';
import type { NodesTree } from './nodes-tree.js';

export interface LayerNodesOptions {
  readonly index: LayerIndex;
  readonly content: LayerContent;
  /** The layers below. Without `find`, a hard link to what only they have is content elsewhere. */
  readonly below: Tree & Partial<Pick<NodesTree, 'find'>>;
  /** Tells the files of this layer from those of others that it lies on. */
  readonly number: number;
  /** Of memory for directories. 64 MiB unless given. */
  readonly maxDirectoryBytes?: number | undefined;
}

/**
 * What a layer adds to those below it, as `LayerWriter` would write it into the upper directory of an overlay, in memory: its
 * entries where they end up, marks where it hides something.
 * @returns its root
 * @throws `LAYER_INVALID` for what cannot be unpacked either, and for a malformed index; `ContentElsewhereError` when that takes
 * more memory than it is worth
 */
export function layerNodes(options: LayerNodesOptions): FileNode {
  const nodes = new LayerNodes(options);
  for (const file of options.index.files()) nodes.add(file);
  return nodes.finish();
}

const WHITEOUT_PREFIX = '.wh.';
/** What a directory takes in memory, beside its path. */
const DIRECTORY_BYTES = 256;
/** A short entry may have a thousand directories above it that no entry describes: an image of honest files is far from this. */
const MAX_DIRECTORY_BYTES = 64 << 20;

class LayerNodes {
  readonly #options: LayerNodesOptions;
  readonly #root: FileNode = directoryNode({ entry: PLAIN_DIRECTORY, xattrs: new Map() });
  /** By path without links. */
  readonly #directories = new Map<ByteString, FileNode>([[ROOT, this.#root]]);
  readonly #merged: MergedDirectories;
  #describedRoot = false;
  #inodes = 0;
  #directoryBytes = 0;

  constructor(options: LayerNodesOptions) {
    this.#options = options;
    this.#merged = new MergedDirectories({
      own: {
        look: (path) => this.#look(path),
        makeDirectory: (path) => {
          this.#put(path, directoryNode({ entry: PLAIN_DIRECTORY, xattrs: new Map() }));
        },
        remove: (path) => {
          this.#remove(path);
        },
        forget: () => undefined,
      },
      below: options.below,
      onDirectory: (path, made) => {
        if (made !== undefined) this.#describe(path, made);
      },
      onOpaque: (path) => {
        this.#hideAllBelow(path);
      },
    });
  }

  add(file: IndexedFile): void {
    const { parent, name } = file;
    if (name.includes(WHITEOUT_PREFIX) || parent.includes(WHITEOUT_PREFIX)) {
      const hidden = parseWhiteoutName(childPath(parent, name));
      if (hidden.kind === 'whiteout') this.#whiteout(hidden.path);
      else if (hidden.kind === 'opaque') this.#opaque(hidden.path);
      if (hidden.kind !== 'none') return;
    }
    if (name === ROOT) {
      if (file.type !== 'directory') throw invalidEntry(file, 'it would put something else in the place of the root');
      this.#root.look = this.#lookOf(file);
      this.#describedRoot = true;
      return;
    }
    const directory = this.#merged.resolve(parent, 'create') ?? ROOT;
    if (!this.#addFile(directory, file)) this.#make(childPath(directory, name), file);
  }

  /** What most entries are, in a third of the time: a file where no directory is. */
  #addFile(directory: ByteString, file: IndexedFile): boolean {
    if (file.type === 'directory' || file.type === 'hardlink') return false;
    const { children } = this.#directory(directory);
    if (children === undefined || children.get(file.name)?.kind === 'directory') return false;
    children.set(file.name, fileNode(this.#lookOf(file)));
    this.#merged.changed(childPath(directory, file.name));
    return true;
  }

  finish(): FileNode {
    const { below } = this.#options;
    if (!this.#describedRoot) {
      this.#root.look = { entry: below.lstat(ROOT) ?? PLAIN_DIRECTORY, xattrs: below.xattrs(ROOT) };
    }
    return this.#root;
  }

  #make(path: ByteString, file: IndexedFile): void {
    if (file.type === 'directory') this.#makeDirectory(path, file);
    else if (file.type === 'hardlink') this.#makeLink(path, file);
    else this.#replace(path, fileNode(this.#lookOf(file)));
  }

  #makeDirectory(path: ByteString, file: IndexedFile): void {
    const there = this.#find(path);
    if (there?.kind === 'directory') {
      there.look = this.#lookOf(file);
      return;
    }
    if (there !== undefined) this.#merged.hideBelow(path);
    const made = directoryNode(this.#lookOf(file));
    made.opaque = there !== undefined;
    this.#put(path, made);
    this.#merged.changed(path);
  }

  /** To what the layer means by its target, which a lower layer may hold: then that file becomes one of this layer. */
  #makeLink(path: ByteString, file: IndexedFile): void {
    const named = file.linkTarget ?? ROOT;
    const parent = named === ROOT ? undefined : this.#merged.resolve(parentPath(named), 'existing');
    const target = parent === undefined ? undefined : childPath(parent, baseName(named));
    if (target === path) return;
    const linked = target === undefined ? undefined : (this.#ownFile(target) ?? this.#copyUp(target));
    // A link in the place of a directory takes away what is in it, and that may be its target.
    if (linked === undefined || target?.startsWith(`${path}/`) === true) {
      throw invalidEntry(file, 'it is a hard link to no file');
    }
    linked.inode ??= `${this.#options.number}:${++this.#inodes}`;
    this.#replace(path, linked);
  }

  #ownFile(path: ByteString): FileNode | undefined {
    const own = this.#find(path);
    return own?.kind === 'file' ? own : undefined;
  }

  #copyUp(path: ByteString): FileNode | undefined {
    if (this.#find(path) !== undefined || this.#merged.below(path) === undefined) return undefined;
    const { below } = this.#options;
    if (below.find === undefined) throw new ContentElsewhereError();
    const lower = below.find(path);
    if (lower?.kind !== 'file') return undefined;
    const copy = fileNode(lower.look);
    this.#replace(path, copy);
    return copy;
  }

  #whiteout(path: ByteString): void {
    const parent = this.#merged.resolve(parentPath(path), 'existing');
    if (parent !== undefined) this.#hide(childPath(parent, baseName(path)));
  }

  #opaque(directory: ByteString): void {
    const resolved = this.#merged.resolve(directory, 'existing');
    if (resolved === undefined) return;
    this.#hideAllBelow(resolved);
    this.#merged.hideBelow(resolved);
  }

  /** Never what this layer has itself (image-spec layer.md: whiteouts "apply to lower/parent layers only"). */
  #hide(path: ByteString): void {
    const own = this.#find(path);
    if (own?.kind === 'directory') {
      this.#merged.hideBelow(path);
      own.opaque = true;
    } else if (own === undefined && this.#merged.below(path) !== undefined) {
      this.#put(path, WHITEOUT);
      this.#merged.changed(path);
    }
  }

  #hideAllBelow(directory: ByteString): void {
    if (directory === ROOT) for (const name of this.#options.below.list(ROOT)) this.#hide(name);
    else this.#directory(directory).opaque = true;
  }

  /** A directory that is passed through looks as it does below, or as nobody has described it. */
  #describe(path: ByteString, entry: TreeEntry): void {
    this.#directory(path).look = { entry, xattrs: this.#options.below.xattrs(path) };
  }

  #look(path: ByteString): OwnFile | undefined {
    const own = this.#find(path);
    if (own === undefined) return undefined;
    if (own.kind === 'directory') return { kind: 'directory', mtime: mtimeOf(own.look) };
    const target = 'file' in own.look && own.kind === 'file' ? own.look.file.linkTarget : undefined;
    return target === undefined ? { kind: 'other' } : { kind: 'link', target };
  }

  #lookOf(file: IndexedFile): Look {
    return { file, content: this.#options.content };
  }

  #replace(path: ByteString, node: FileNode): void {
    const wasDirectory = this.#find(path)?.kind === 'directory';
    if (wasDirectory) this.#remove(path);
    this.#put(path, node);
    this.#merged.changed(path, wasDirectory ? 'directory' : undefined);
  }

  #find(path: ByteString): FileNode | undefined {
    if (path === ROOT) return this.#root;
    return this.#directories.get(parentPath(path))?.children?.get(baseName(path));
  }

  #directory(path: ByteString): FileNode {
    const directory = this.#directories.get(path);
    invariant(directory !== undefined, 'files are put into directories that are there');
    return directory;
  }

  #put(path: ByteString, node: FileNode): void {
    this.#directory(parentPath(path)).children?.set(baseName(path), node);
    if (node.kind !== 'directory') return;
    this.#directories.set(path, node);
    this.#directoryBytes += path.length + DIRECTORY_BYTES;
    const { maxDirectoryBytes = MAX_DIRECTORY_BYTES } = this.#options;
    if (this.#directoryBytes > maxDirectoryBytes) throw new ContentElsewhereError();
  }

  #remove(path: ByteString): void {
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const directory = this.#directories.get(next);
      if (directory?.children === undefined) continue;
      for (const [name, { kind }] of directory.children) if (kind === 'directory') waiting.push(childPath(next, name));
      this.#directories.delete(next);
    }
    this.#directories.get(parentPath(path))?.children?.delete(baseName(path));
  }
}

const WHITEOUT: FileNode = {
  kind: 'whiteout',
  look: { entry: PLAIN_DIRECTORY, xattrs: new Map() },
  children: undefined,
  opaque: false,
  inode: null,
};

export function directoryNode(look: Look): FileNode {
  return { kind: 'directory', look, children: new Map(), opaque: false, inode: null };
}

function fileNode(look: Look): FileNode {
  return { kind: 'file', look, children: undefined, opaque: false, inode: null };
}

function invalidEntry(file: IndexedFile, state: string): TsbuildError {
  const shown = textOfBytes(entryOf(file).path);
  return new TsbuildError('LAYER_INVALID', `cannot apply entry "/${shown}": ${state}`, {
    hint: 'The image is damaged or was made to do harm; pull it again, or use another.',
  });
}
