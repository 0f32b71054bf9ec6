import { bytesOfText, type ByteString } from '../../support/byte-string.js';
import { baseName, parentPath } from '../../support/byte-path.js';
import type { Digest } from '../../oci/digest.js';
import type { TarEntry } from '../tar-entry.js';
import type { Extent } from '../tar/sparse.js';
import {
  ENTRY_TYPES,
  FLAG,
  KEPT_PATHS,
  MAGIC,
  MAX_BYTES,
  MAX_ENTRIES,
  MAX_KEPT,
  type IndexLimits,
} from './layer-index.js';
import { PackedWriter } from './packed-bytes.js';

/**
 * Makes the index of a layer while its tar is written or read. Memory is bounded: a layer with more in it than `IndexLimits` has no
 * index, and is unpacked where its files are needed.
 *
 * `entry`, then for a file `content` for each piece that is stored and `end`; at last `finish`.
 */
export class LayerIndexBuilder {
  readonly #limits: Required<IndexLimits>;
  #written: PackedWriter | undefined = new PackedWriter();
  #count = 0;
  #parent = '' as ByteString;
  #file: File | undefined;

  constructor({ maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES }: IndexLimits = {}) {
    this.#limits = { maxEntries, maxBytes };
  }

  entry(entry: TarEntry, extents?: readonly Extent[]): void {
    if (this.#written === undefined) return;
    const file: File = { entry, extents, offset: 0, kept: mayKeep(entry, extents) ? [] : undefined };
    if (entry.type === 'file') this.#file = file;
    else this.#write(this.#written, file);
  }

  /** @param position of the bytes in the uncompressed tar */
  content(position: number, bytes: Uint8Array): void {
    const file = this.#file;
    if (file === undefined) return;
    if (file.offset === 0) file.offset = position;
    // The bytes are their owner's again after this call.
    file.kept?.push(Buffer.from(bytes));
  }

  end(): void {
    if (this.#file !== undefined && this.#written !== undefined) this.#write(this.#written, this.#file);
    this.#file = undefined;
  }

  /** There will be no index: what was read is no layer. */
  abandon(): void {
    this.#written = undefined;
    this.#file = undefined;
  }

  /** @returns what `readLayerIndex` reads; `undefined` when the layer is too large for an index */
  finish(layer: { readonly diffId: Digest; readonly tarSize: number }): Buffer | undefined {
    const entries = this.#written?.written();
    if (entries === undefined) return undefined;
    const header = new PackedWriter();
    header.raw(Buffer.from(MAGIC));
    header.text(bytesOfText(layer.diffId));
    header.number(layer.tarSize);
    header.number(this.#count);
    return Buffer.concat([header.written(), entries]);
  }

  #write(written: PackedWriter, file: File): void {
    const { entry } = file;
    const parent = parentPath(entry.path);
    const sameParent = parent === this.#parent;
    const kept = file.kept === undefined ? undefined : Buffer.concat(file.kept);
    written.byte(
      ENTRY_TYPES.indexOf(entry.type) |
        (sameParent ? FLAG.sameParent : 0) |
        (entry.xattrs.size > 0 ? FLAG.xattrs : 0) |
        (file.extents === undefined ? 0 : FLAG.extents) |
        (kept === undefined ? 0 : FLAG.kept),
    );
    if (!sameParent) written.text(parent);
    this.#parent = parent;
    writeAttributes(written, entry);
    writeSpecial(written, file);
    if (kept !== undefined) written.bytes(kept);
    this.#count++;
    if (this.#count > this.#limits.maxEntries || written.length > this.#limits.maxBytes) this.abandon();
  }
}

interface File {
  readonly entry: TarEntry;
  readonly extents: readonly Extent[] | undefined;
  offset: number;
  readonly kept: Buffer[] | undefined;
}

function mayKeep({ type, path, size }: TarEntry, extents: readonly Extent[] | undefined): boolean {
  return type === 'file' && extents === undefined && size <= MAX_KEPT && KEPT_PATHS.has(path);
}

function writeAttributes(written: PackedWriter, { path, mode, uid, gid, mtime }: TarEntry): void {
  written.text(baseName(path));
  written.number(mode);
  written.number(uid);
  written.number(gid);
  written.signed(mtime.seconds);
  written.number(mtime.nanoseconds);
}

function writeSpecial(written: PackedWriter, { entry, extents, offset }: File): void {
  const { type, size, linkTarget, device, xattrs } = entry;
  if (type === 'file') {
    written.number(size);
    written.number(offset);
  }
  if (linkTarget !== undefined) written.text(linkTarget);
  if (device !== undefined) {
    written.number(device.major);
    written.number(device.minor);
  }
  if (xattrs.size > 0) {
    written.number(xattrs.size);
    for (const [name, value] of xattrs) {
      written.text(name);
      written.bytes(value);
    }
  }
  if (extents === undefined) return;
  written.number(extents.length);
  for (const extent of extents) {
    written.number(extent.offset);
    written.number(extent.length);
  }
}
