import type { Change } from '../../layers/change.js';
import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { TarEntry, Timestamp } from '../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import { childPath, parentPath } from '../../support/byte-path.js';
import { bytesOfText, compareBytes, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { CopyOperation } from '../operation.js';
import type { CopySelection } from './copy-selection.js';
import { unchangedEntries, type CandidateEntry } from './unchanged-entries.js';
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
  /** Equal for names of one file, among those that one source selected: each is copied for itself. */
  readonly inode?: string;
}

/**
 * The changes that a COPY makes, in the order of a layer, as BuildKit makes them (dockerfile.md 73 to 93): the contents of
 * folders, files under their own name in a directory, links within folders as they are, parents made as needed.
 * @throws `COPY_FAILED`
 */
export function copyChanges(input: CopyInput): readonly Change[] {
  const planner = new CopyPlanner(input);
  for (const [index, selected] of input.selection.entries()) planner.add(selected, index);
  return planner.changes();
}

class CopyPlanner {
  readonly #input: CopyInput;
  readonly #attributes: DirectoryAttributes;
  readonly #chmod: number | undefined;
  readonly #planned = new Map<ByteString, Planned>();
  /** Of the source that is being added. */
  #index = 0;

  constructor(input: CopyInput) {
    const { operation, owner, made } = input;
    this.#input = input;
    this.#chmod = operation.chmod === undefined ? undefined : Number.parseInt(operation.chmod, 8);
    // BuildKit makes them with mkdir(2) under a umask of 022, and with permission bits alone.
    this.#attributes = {
      mode: (this.#chmod ?? 0o755) & 0o755,
      uid: owner?.uid ?? 0,
      gid: owner?.gid ?? 0,
      mtime: made,
    };
    this.#refuseManyOntoOne();
  }

  add(selected: CopySelection, index: number): void {
    this.#index = index;
    const { base, operation } = this.#input;
    const destination = bytesOfText(operation.destination.replace(/\/+$/, '').replace(/^\/+/, ''));
    const resolved = resolveInTree(base, destination, { followLast: true }) ?? destination;
    if (selected.entry.type === 'directory') {
      this.#addParents(resolved);
      this.#date(resolved, selected);
      this.#addContents(selected.path, resolved);
      return;
    }
    const inDirectory = operation.destination.endsWith('/') || this.#lstat(resolved)?.type === 'directory';
    const target = inDirectory ? childPath(resolved, selected.name) : resolved;
    this.#addParents(parentPath(target));
    this.#addFile(selected.path, selected.entry, target);
  }

  changes(): readonly Change[] {
    const { base, source } = this.#input;
    const entries = new Map(this.#linkedEntries());
    const unchanged = unchangedEntries(base, entries);
    return [...entries.values()]
      .filter(({ entry }) => !unchanged.has(entry.path))
      .map(({ entry, content }): Change => {
        if (content === undefined || entry.type !== 'file') return { kind: 'upsert', entry };
        return { kind: 'upsert', entry, open: () => source.read(content) };
      });
  }

  /** In the order of a layer; a further name of a file as a link to the first. */
  *#linkedEntries(): Generator<[ByteString, CandidateEntry & { readonly content: ByteString | undefined }]> {
    const firstName = new Map<string, ByteString>();
    for (const [path, planned] of [...this.#planned].sort(([left], [right]) => compareBytes(left, right))) {
      const { content, inode } = planned;
      const entry = { ...planned.entry, mtime: wholeSeconds(planned.entry.mtime) };
      const read = (): Iterable<Uint8Array> => (content === undefined ? [] : this.#input.source.read(content));
      const linkTarget = inode === undefined ? undefined : firstName.get(inode);
      if (inode !== undefined && linkTarget === undefined) firstName.set(inode, path);
      if (linkTarget === undefined) yield [path, { entry, content, read }];
      else yield [path, { entry: { ...entry, type: 'hardlink', size: 0, linkTarget }, content, read }];
    }
  }

  /** A folder's contents bring its time with them. Of the context's own root BuildKit knows none. */
  #date(path: ByteString, { path: from, entry: { mtime } }: CopySelection): void {
    const planned = this.#planned.get(path);
    if (planned === undefined || (from === '' && this.#input.operation.fromContext)) return;
    this.#planned.set(path, { ...planned, entry: { ...planned.entry, mtime } });
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
    const inode = entry.inode === null ? {} : { inode: `${this.#index} ${entry.inode}` };
    this.#planned.set(target, { ...planned, ...inode });
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

/** As BuildKit writes layers. */
function wholeSeconds({ seconds }: Timestamp): Timestamp {
  return { seconds, nanoseconds: 0 };
}
