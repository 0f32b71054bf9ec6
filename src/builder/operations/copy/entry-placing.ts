import { isLayerXattr } from '../../../layers/files/layer-xattrs.js';
import { resolveInTree } from '../../../layers/resolve-in-tree.js';
import type { TarEntry, Timestamp } from '../../../layers/tar-entry.js';
import { baseName, childPath, parentPath } from '../../../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';
import { directoryEntries } from '../missing-directories.js';
import { rootedAt, type DraftFile, type LayerDraft } from './layer-draft.js';

export interface UnpackOptions {
  /** The directory in which the archive's root is. */
  readonly destination: ByteString;
  /** By `--chown`: of all that is unpacked. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Of directories that no entry names. */
  readonly made: Timestamp;
}

/**
 * Puts the entries of an archive into a draft one after the other, as unpacking them would: each replaces what is in its place, but
 * a directory joins one. Links in the image or the archive are followed as if the destination were the root, so that no entry
 * gets out of it; those that BuildKit follows elsewhere it follows the same way (moby/go-archive, in a chroot).
 */
export class EntryPlacing {
  readonly #draft: LayerDraft;
  readonly #options: UnpackOptions;
  readonly #archive: string;

  constructor(draft: LayerDraft, options: UnpackOptions, archive: string) {
    this.#draft = draft;
    this.#options = options;
    this.#archive = archive;
  }

  /**
   * @returns the file that now is there, with `content: 'archive'` when the archive has its content; `undefined` for the root, whose
   * attributes an archive does not change
   * @throws `COPY_FAILED`
   */
  place(entry: TarEntry): DraftFile | undefined {
    if (entry.path === '') {
      if (entry.type === 'directory') return undefined;
      throw this.#failed(entry, 'it would take the place of the destination');
    }
    const target = childPath(this.#parent(entry, entry.path), baseName(entry.path));
    const existing = this.#draft.lstat(target);
    const joins = entry.type === 'directory' && existing?.type === 'directory';
    if (existing !== undefined && !joins) this.#draft.remove(target);
    const file = entry.type === 'hardlink' ? this.#linked(entry) : this.#file(entry, entry.type);
    this.#draft.put(target, file);
    return file;
  }

  /** The directory that a path is in, made where it is missing. */
  #parent(entry: TarEntry, path: ByteString): ByteString {
    const { destination, made } = this.#options;
    const inside = resolveInTree(rootedAt(this.#draft, destination), parentPath(path), { followLast: true });
    const parent = inside === undefined ? undefined : joinPaths(destination, inside);
    const type = parent === undefined ? 'file' : this.#draft.lstat(parent)?.type;
    if (parent === undefined || (type !== undefined && type !== 'directory')) {
      throw this.#failed(entry, 'a file is in the place of its directory');
    }
    if (parent === '' || (type !== undefined && this.#draft.has(parent))) return parent;
    for (const { entry: directory } of directoryEntries(this.#draft, parent, {
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime: made,
    })) {
      const { path: place, ...rest } = directory;
      if (!this.#draft.has(place)) this.#draft.put(place, { entry: { ...rest, type: 'directory' } });
    }
    return parent;
  }

  #file(of: Omit<TarEntry, 'path' | 'type'>, type: DraftFile['entry']['type']): DraftFile {
    const { size, linkTarget, device } = of;
    const entry = {
      type,
      size,
      ...this.#attributes(of, type),
      ...(linkTarget === undefined ? {} : { linkTarget }),
      ...(device === undefined ? {} : { device }),
      xattrs: layerXattrs(of),
    };
    return type === 'file' ? { entry, content: 'archive' } : { entry };
  }

  /** A second name for a file of the archive or of the image, whose attributes become those that the link's entry has. */
  #linked(entry: TarEntry): DraftFile {
    const named = entry.linkTarget ?? entry.path;
    const target = childPath(this.#parent(entry, named), baseName(named));
    const file = this.#draft.lstat(target)?.type === 'directory' ? undefined : this.#draft.adopt(target);
    if (file === undefined) throw this.#failed(entry, `it is a hard link to "${textOfBytes(named)}", which is no file`);
    // To set an owner takes file capabilities away (chown(2)), as the entry of the link does when it is unpacked.
    const kept = [...file.entry.xattrs].filter(([name]) => name !== CAPABILITY);
    const xattrs = new Map([...kept, ...layerXattrs(entry)]);
    file.entry = { ...file.entry, ...this.#attributes(entry, file.entry.type), xattrs };
    return file;
  }

  #attributes(
    { uid, gid, mode, mtime }: Pick<TarEntry, 'uid' | 'gid' | 'mode' | 'mtime'>,
    type: DraftFile['entry']['type'],
  ): Pick<TarEntry, 'uid' | 'gid' | 'mode' | 'mtime'> {
    const owner = this.#options.owner ?? { uid, gid };
    return { ...owner, mode: type === 'symlink' ? 0o777 : mode, mtime: boundTime(mtime) };
  }

  #failed(entry: TarEntry, state: string): TsbuildError {
    const what = `"${textOfBytes(entry.path)}" of "${this.#archive}"`;
    return new TsbuildError('COPY_FAILED', `cannot unpack ${what}: ${state}`, {
      hint: 'Unpack it into another directory, or make the archive again without that entry.',
    });
  }
}

function joinPaths(directory: ByteString, path: ByteString): ByteString {
  return path === '' ? directory : childPath(directory, path);
}

const CAPABILITY = bytesOfText('security.capability');

function layerXattrs({ xattrs }: Pick<TarEntry, 'xattrs'>): TarEntry['xattrs'] {
  return new Map([...xattrs].filter(([name]) => isLayerXattr(name)));
}

/** Times before 1970 become 1970, as BuildKit has it. */
function boundTime(time: Timestamp): Timestamp {
  return time.seconds < 0 ? { seconds: 0, nanoseconds: 0 } : time;
}
