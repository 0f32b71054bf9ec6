import type { Change } from '../../layers/change.js';
import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { TarEntry, Timestamp } from '../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import { childPath, parentPath } from '../../support/byte-path.js';
import { bytesOfText, compareBytes, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { CopyOperation } from '../operation.js';
import type { CopySelection } from './copy-selection.js';
import { directoryEntries, type DirectoryAttributes } from './missing-directories.js';

export interface CopyInput {
  readonly operation: CopyOperation;
  /** What is copied into: the root file system as it is. */
  readonly base: Tree;
  readonly source: Tree;
  readonly selection: readonly CopySelection[];
  /** Owner by `--chown`, already looked up. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Of directories that have to be made. */
  readonly made: Timestamp;
}

/** A file that will be in the layer; `content` is the path in the source it is read from. */
interface Planned {
  readonly entry: TarEntry;
  readonly content?: ByteString;
  /** Equal for names of one file. */
  readonly inode?: string;
}

/**
 * The changes that a COPY makes, in the order of a layer, as BuildKit makes them (dockerfile.md 73 to 93): the contents of
 * folders, files under their own name in a directory, links within folders as they are, parents made as needed.
 * @throws `COPY_FAILED`
 */
export function copyChanges(input: CopyInput): readonly Change[] {
  const planner = new CopyPlanner(input);
  for (const selected of input.selection) planner.add(selected);
  return planner.changes();
}

class CopyPlanner {
  readonly #input: CopyInput;
  readonly #attributes: DirectoryAttributes;
  readonly #chmod: number | undefined;
  readonly #planned = new Map<ByteString, Planned>();

  constructor(input: CopyInput) {
    const { operation, owner, made } = input;
    this.#input = input;
    this.#chmod = operation.chmod === undefined ? undefined : Number.parseInt(operation.chmod, 8);
    this.#attributes = { mode: this.#chmod ?? 0o755, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, mtime: made };
    this.#refuseManyOntoOne();
  }

  add(selected: CopySelection): void {
    const { base, operation } = this.#input;
    const destination = bytesOfText(operation.destination.replace(/\/+$/, '').replace(/^\/+/, ''));
    const resolved = resolveInTree(base, destination, { followLast: true }) ?? destination;
    if (selected.entry.type === 'directory') {
      this.#addParents(resolved);
      this.#addContents(selected.path, resolved);
      return;
    }
    const inDirectory = operation.destination.endsWith('/') || this.#lstat(resolved)?.type === 'directory';
    const target = inDirectory ? childPath(resolved, selected.name) : resolved;
    this.#addParents(parentPath(target));
    this.#addFile(selected.path, selected.entry, target);
  }

  changes(): readonly Change[] {
    const firstName = new Map<string, ByteString>();
    return [...this.#planned.entries()]
      .sort(([left], [right]) => compareBytes(left, right))
      .map(([path, { entry, content, inode }]): Change => {
        const linked = inode === undefined ? undefined : firstName.get(inode);
        if (linked !== undefined)
          return { kind: 'upsert', entry: { ...entry, type: 'hardlink', size: 0, linkTarget: linked } };
        if (inode !== undefined) firstName.set(inode, path);
        if (content === undefined) return { kind: 'upsert', entry };
        return { kind: 'upsert', entry, open: () => this.#input.source.read(content) };
      });
  }

  /** The files would overwrite one another; BuildKit does just that, see ADR 0004 (dockerfile.md 75). */
  #refuseManyOntoOne(): void {
    const { operation, selection, base } = this.#input;
    if (selection.length < 2 || operation.destination.endsWith('/')) return;
    if (selection.every(({ entry }) => entry.type === 'directory')) return;
    const resolved = resolveInTree(base, bytesOfText(operation.destination.slice(1)), { followLast: true });
    if (resolved !== undefined && (resolved === '' || base.lstat(resolved)?.type === 'directory')) return;
    throw new TsbuildError(
      'COPY_FAILED',
      `cannot copy ${selection.length} files to "${operation.destination}": it is no directory`,
      {
        hint: `End the destination with a slash, as "${operation.destination}/", to make a directory of it.`,
      },
    );
  }

  #lstat(path: ByteString): Pick<TreeEntry, 'type'> | undefined {
    const planned = this.#planned.get(path)?.entry;
    if (planned === undefined) return this.#input.base.lstat(path);
    return { type: planned.type === 'hardlink' ? 'file' : planned.type };
  }

  #addParents(path: ByteString): void {
    const { base } = this.#input;
    const unplanned = path === '' || this.#planned.get(path)?.entry.type === 'directory';
    if (unplanned) return;
    for (const { entry } of directoryEntries(base, path, this.#attributes)) {
      if (this.#planned.get(entry.path)?.entry.type !== 'directory') this.#planned.set(entry.path, { entry });
    }
  }

  #addContents(from: ByteString, to: ByteString): void {
    const { source } = this.#input;
    for (const name of source.list(from)) {
      const path = childPath(from, name);
      const entry = source.lstat(path);
      // A socket is nothing without the process that made it; a file may go while the folder is read.
      if (entry === undefined || entry.type === 'socket') continue;
      const target = childPath(to, name);
      if (entry.type === 'directory') {
        this.#addDirectory(path, entry, target);
        this.#addContents(path, target);
      } else {
        this.#addFile(path, entry, target);
      }
    }
  }

  #addDirectory(path: ByteString, entry: TreeEntry, target: ByteString): void {
    const existing = this.#lstat(target);
    if (existing !== undefined && existing.type !== 'directory') {
      throw new TsbuildError(
        'COPY_FAILED',
        `cannot copy folder "${textOfBytes(path)}" to "/${textOfBytes(target)}": a file is in its place`,
        {
          hint: 'Remove the file in a RUN before, or choose another destination.',
        },
      );
    }
    this.#planned.set(target, { entry: this.#entry(path, entry, target) });
  }

  #addFile(path: ByteString, entry: TreeEntry, target: ByteString): void {
    if (this.#lstat(target)?.type === 'directory' || target === '') {
      throw new TsbuildError(
        'COPY_FAILED',
        `cannot copy file "${textOfBytes(path)}" to "/${textOfBytes(target)}": a directory is in its place`,
        {
          hint: 'Remove the directory in a RUN before, or choose another destination.',
        },
      );
    }
    const planned = { entry: this.#entry(path, entry, target), ...(entry.type === 'file' ? { content: path } : {}) };
    this.#planned.set(target, entry.inode === null ? planned : { ...planned, inode: entry.inode });
  }

  #entry(path: ByteString, entry: TreeEntry, target: ByteString): TarEntry {
    const { operation, owner, source } = this.#input;
    const { type, mode, uid, gid, size, mtime, linkTarget, device } = entry;
    if (type === 'socket') throw new TsbuildError('COPY_FAILED', `cannot copy "${textOfBytes(path)}": it is a socket`);
    const ids = owner ?? (operation.fromContext ? { uid: 0, gid: 0 } : { uid, gid });
    return {
      path: target,
      type,
      mode: type === 'symlink' ? mode : (this.#chmod ?? mode),
      ...ids,
      size: type === 'file' ? size : 0,
      mtime,
      ...(linkTarget === undefined ? {} : { linkTarget }),
      ...(device === undefined ? {} : { device }),
      // Extended attributes of the host's files are the host's; those of a stage belong to its files.
      xattrs: operation.fromContext ? new Map() : source.xattrs(path),
    };
  }
}
