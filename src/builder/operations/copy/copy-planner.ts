import { resolveInTree } from '../../../layers/resolve-in-tree.js';
import type { Timestamp } from '../../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import { childPath, parentPath } from '../../../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';
import type { CopyOperation, CopySource } from '../../operation.js';
import { directoryEntries, type DirectoryAttributes } from '../missing-directories.js';
import { ArchiveSource } from './archive-source.js';
import { inTheWay } from './copy-failed.js';
import type { CopyOrigin } from './copy-origin.js';
import type { CopySelection } from './copy-selection.js';
import { walkSelection } from './copy-walk.js';
import { LayerDraft, type DraftFile } from './layer-draft.js';
import { parseModeChange, type ModeChange } from './mode-change.js';

/** One source of a copy, with what it selects. */
export type PlannedSource =
  | {
      readonly kind: 'files';
      readonly origin: CopyOrigin;
      readonly selection: readonly CopySelection[];
      readonly unpack: boolean;
    }
  | Extract<CopySource, { kind: 'inline' }>;

export interface CopyInput {
  readonly operation: CopyOperation;
  /** What is copied into: the root file system as it is. */
  readonly base: Tree;
  readonly sources: readonly PlannedSource[];
  /** Owner by `--chown`, already looked up. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Of directories that have to be made, and of files that the Dockerfile holds. */
  readonly made: Timestamp;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The layer that a COPY or ADD makes, as BuildKit makes it (dockerfile.md 73 to 99): source after source, the contents of folders,
 * files under their own name in a directory, links within folders as they are, parents made as needed, archives unpacked.
 * @throws `COPY_FAILED`
 */
export async function planCopy(input: CopyInput): Promise<LayerDraft> {
  const planner = new CopyPlanner(input);
  for (const source of input.sources) await planner.add(source);
  return planner.draft;
}

class CopyPlanner {
  readonly draft: LayerDraft;
  readonly #input: CopyInput;
  readonly #attributes: DirectoryAttributes;
  readonly #mode: ModeChange | undefined;
  /** What the destination became a file by. */
  #onlyFile = false;

  constructor(input: CopyInput) {
    const { operation, owner, made, base } = input;
    this.#input = input;
    this.draft = new LayerDraft(base);
    this.#mode = operation.chmod === undefined ? undefined : parseModeChange(operation.chmod);
    // BuildKit makes them with mkdir(2) under a umask of 022, and with permission bits alone; a symbolic mode has nothing to
    // start from (dockerfile.md 86).
    const mode = (this.#mode?.absolute ?? 0o755) & 0o755;
    this.#attributes = { mode, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, mtime: made };
  }

  async add(source: PlannedSource): Promise<void> {
    if (source.kind === 'inline') {
      this.#addInline(source);
      return;
    }
    for (const selected of source.selection) {
      const archive = source.unpack ? await this.#openArchive(source.origin, selected) : undefined;
      if (archive === undefined) this.#addSelected(source.origin, selected);
      else await this.#unpack(archive);
    }
  }

  /** A file that a source names, of a kind that can be unpacked. */
  async #openArchive({ tree }: CopyOrigin, { path, entry, name }: CopySelection): Promise<ArchiveSource | undefined> {
    if (entry.type !== 'file') return undefined;
    const archive = new ArchiveSource({
      name: textOfBytes(name),
      open: () => tree.read(path),
      signal: this.#input.signal,
    });
    return (await archive.isArchive()) ? archive : undefined;
  }

  async #unpack(archive: ArchiveSource): Promise<void> {
    const { owner, made } = this.#input;
    const destination = this.#destination();
    // Only here does --chmod not count (dockerfile.md 98).
    this.#makeDirectories(destination, { ...this.#attributes, mode: 0o755 });
    await archive.unpackInto(this.draft, { destination, owner, made });
    this.draft.addArchive(archive);
  }

  #addSelected(origin: CopyOrigin, selected: CopySelection): void {
    const files = new TreeFiles(origin, { ...this.#input, mode: this.#mode });
    if (selected.entry.type === 'directory') this.#addFolder(files, selected);
    else
      this.#addFile(textOfBytes(selected.path), files.file(selected.path, selected.entry), this.#target(selected.name));
  }

  #addInline({ name, content }: Extract<CopySource, { kind: 'inline' }>): void {
    const { owner = { uid: 0, gid: 0 }, made } = this.#input;
    const bytes = Buffer.from(content, 'utf8');
    const mode = this.#mode?.apply(0o644, { isDirectory: false }) ?? 0o644;
    const entry = { type: 'file', mode, ...owner, size: bytes.length, mtime: made, xattrs: new Map() } as const;
    this.#addFile(name, { entry, content: () => [bytes] }, this.#target(bytesOfText(name)));
  }

  /** The destination, its links followed, those too that a source before has made. */
  #destination(): ByteString {
    const path = bytesOfText(this.#input.operation.destination.replace(/\/+$/, '').replace(/^\/+/, ''));
    return resolveInTree(this.draft, path, { followLast: true }) ?? path;
  }

  /** Where a file goes: into the destination, if that is a directory, or else in its place. */
  #target(name: ByteString): ByteString {
    const { destination } = this.#input.operation;
    const resolved = this.#destination();
    const isDirectory = destination.endsWith('/') || this.draft.lstat(resolved)?.type === 'directory';
    if (isDirectory) return childPath(resolved, name);
    if (this.#onlyFile) throw manyOntoOne(destination);
    this.#onlyFile = true;
    return resolved;
  }

  #addFile(shown: string, file: DraftFile, target: ByteString): void {
    this.#makeDirectories(parentPath(target));
    this.#putFile(shown, file, target);
  }

  #addFolder(files: TreeFiles, selected: CopySelection): void {
    const destination = this.#destination();
    this.#makeDirectories(destination);
    this.#date(destination, files.origin, selected);
    for (const { path, relative, entry, isParent } of walkSelection(selected, files.origin.tree)) {
      const target = childPath(destination, relative);
      if (entry.type !== 'directory') this.#putFile(textOfBytes(path), files.file(path, entry), target);
      else
        this.#putDirectory(
          textOfBytes(path),
          { directory: files.file(path, entry), mode: entry.mode, isParent },
          target,
        );
    }
  }

  /** A folder's contents bring its time with them. Of the root of what is on this host BuildKit knows none. */
  #date(destination: ByteString, { ownership }: CopyOrigin, { path, entry: { mtime } }: CopySelection): void {
    if (destination === '' || (path === '' && ownership === 'root')) return;
    const directory = this.draft.adopt(destination);
    if (directory !== undefined) this.draft.put(destination, { ...directory, entry: { ...directory.entry, mtime } });
  }

  #putFile(shown: string, file: DraftFile, target: ByteString): void {
    if (target === '' || this.draft.lstat(target)?.type === 'directory') {
      throw inTheWay(`copy file "${shown}"`, target, 'directory');
    }
    this.draft.put(target, file);
  }

  /** One that exists becomes as the source is; one that is there for the sake of others only takes its mode. */
  #putDirectory(
    shown: string,
    { directory, mode, isParent }: { directory: DraftFile; mode: number; isParent: boolean },
    target: ByteString,
  ): void {
    const existing = this.draft.lstat(target);
    if (existing !== undefined && existing.type !== 'directory') {
      throw inTheWay(`copy folder "${shown}"`, target, 'file');
    }
    const kept = isParent && existing !== undefined ? this.draft.adopt(target) : undefined;
    if (kept === undefined) this.draft.put(target, directory);
    else this.draft.put(target, { entry: { ...kept.entry, mode } });
  }

  #makeDirectories(path: ByteString, attributes: DirectoryAttributes = this.#attributes): void {
    if (path === '' || (this.draft.has(path) && this.draft.lstat(path)?.type === 'directory')) return;
    for (const { entry } of directoryEntries(this.draft, path, attributes)) {
      const { path: directory, ...rest } = entry;
      if (!this.draft.has(directory)) this.draft.put(directory, { entry: { ...rest, type: 'directory' } });
    }
  }
}

interface FileOptions extends Pick<CopyInput, 'owner'> {
  readonly mode: ModeChange | undefined;
}

/** Files of a tree as a layer has them. Names of one file are so in the layer too, but only below one source (dockerfile.md 92). */
class TreeFiles {
  readonly origin: CopyOrigin;
  readonly #options: FileOptions;
  readonly #byInode = new Map<string, DraftFile>();

  constructor(origin: CopyOrigin, options: FileOptions) {
    this.origin = origin;
    this.#options = options;
  }

  file(path: ByteString, entry: TreeEntry): DraftFile {
    const inode = entry.type === 'file' ? entry.inode : null;
    const known = inode === null ? undefined : this.#byInode.get(inode);
    const file = known ?? this.#make(path, entry);
    if (inode !== null) this.#byInode.set(inode, file);
    return file;
  }

  #make(path: ByteString, { type, mode, uid, gid, size, mtime, linkTarget, device }: TreeEntry): DraftFile {
    const { tree, ownership } = this.origin;
    const { owner, mode: change } = this.#options;
    if (type === 'socket') {
      throw new TsbuildError('COPY_FAILED', `cannot copy "${textOfBytes(path)}": it is a socket`, {
        hint: 'A layer cannot hold sockets: the process that listens makes it anew. Name the files beside it instead.',
      });
    }
    const changed = type === 'symlink' ? mode : (change?.apply(mode, { isDirectory: type === 'directory' }) ?? mode);
    return {
      entry: {
        type,
        mode: changed,
        ...(owner ?? (ownership === 'root' ? { uid: 0, gid: 0 } : { uid, gid })),
        size: type === 'file' ? size : 0,
        mtime,
        ...(linkTarget === undefined ? {} : { linkTarget }),
        ...(device === undefined ? {} : { device }),
        // Extended attributes of the host's files are the host's; those of a stage belong to its files.
        xattrs: ownership === 'root' ? new Map() : tree.xattrs(path),
      },
      ...(type === 'file' ? { content: () => tree.read(path) } : {}),
    };
  }
}

/** The files would overwrite one another; BuildKit does just that, see ADR 0004 (dockerfile.md 75). */
function manyOntoOne(destination: string): TsbuildError {
  return new TsbuildError('COPY_FAILED', `cannot copy several files to "${destination}": it is no directory`, {
    hint: `End the destination with a slash, as "${destination}/", to make a directory of it.`,
    details: { word: destination },
  });
}
