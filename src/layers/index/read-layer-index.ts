import { isDigest, type Digest } from '../../oci/digest.js';
import type { LayerIndexes } from '../../store/records/layer-indexes.js';
import { childPath, ROOT } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import type { TarEntry } from '../tar-entry.js';
import type { Extent } from '../tar/sparse.js';
import { ENTRY_TYPES, FLAG, MAGIC, type IndexedFile, type LayerIndex } from './layer-index.js';
import { damagedIndex, PackedReader } from './packed-bytes.js';

/**
 * The index of a layer from the bytes that `LayerIndexBuilder` made, whose checksum the store has checked. Entries are decoded
 * while they are asked for.
 * @returns `undefined` when another version of this program made it, in another form
 * @throws `LAYER_INVALID` when it is malformed
 */
export function readLayerIndex(bytes: Buffer): LayerIndex | undefined {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const header = bytes.subarray(MAGIC.length);
  const reader = new PackedReader(header);
  const diffId = reader.text();
  if (!isDigest(diffId)) throw damagedIndex();
  const [tarSize, count] = [reader.number(), reader.number()];
  const entries = header.subarray(reader.position);
  return { diffId, tarSize, count, files: () => readFiles(new PackedReader(entries), count) };
}

/** The stored index of a layer; `undefined` when there is none of this form, or it is another layer's. @throws `LAYER_INVALID` */
export function loadLayerIndex(indexes: Pick<LayerIndexes, 'load'>, diffId: Digest): LayerIndex | undefined {
  const bytes = indexes.load(diffId);
  const index = bytes === undefined ? undefined : readLayerIndex(bytes);
  return index?.diffId === diffId ? index : undefined;
}

/** As a reader of the tar gives it. */
export function entryOf(file: IndexedFile): TarEntry {
  const { parent, name, type, mode, uid, gid, size, seconds, nanoseconds, linkTarget, device, xattrs } = file;
  return {
    path: childPath(parent, name),
    type,
    mode,
    uid,
    gid,
    size,
    mtime: { seconds, nanoseconds },
    xattrs,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(device === undefined ? {} : { device }),
  };
}

function* readFiles(reader: PackedReader, count: number): Generator<IndexedFile, void, undefined> {
  let parent = ROOT;
  for (let index = 0; index < count; index++) {
    const file = readFile(reader, parent);
    parent = file.parent;
    yield file;
  }
  if (!reader.isAtEnd) throw damagedIndex();
}

const NO_XATTRS: TarEntry['xattrs'] = new Map();

function readFile(reader: PackedReader, lastParent: ByteString): IndexedFile {
  const flags = reader.byte();
  const type = ENTRY_TYPES[flags & FLAG.type];
  if (type === undefined) throw damagedIndex();
  const isLink = type === 'symlink' || type === 'hardlink';
  const isDevice = type === 'character-device' || type === 'block-device';
  // In the order that they were written in.
  return {
    type,
    parent: (flags & FLAG.sameParent) === 0 ? reader.text() : lastParent,
    name: reader.text(),
    mode: reader.number(),
    uid: reader.number(),
    gid: reader.number(),
    seconds: reader.signed(),
    nanoseconds: reader.number(),
    size: type === 'file' ? reader.number() : 0,
    offset: type === 'file' ? reader.number() : 0,
    linkTarget: isLink ? reader.text() : undefined,
    device: isDevice ? { major: reader.number(), minor: reader.number() } : undefined,
    xattrs: (flags & FLAG.xattrs) === 0 ? NO_XATTRS : readXattrs(reader),
    extents: (flags & FLAG.extents) === 0 ? undefined : readExtents(reader),
    kept: (flags & FLAG.kept) === 0 ? undefined : reader.bytes(),
  };
}

function readXattrs(reader: PackedReader): TarEntry['xattrs'] {
  const xattrs = new Map<ByteString, Uint8Array>();
  for (let left = reader.number(); left > 0; left--) xattrs.set(reader.text(), reader.bytes());
  return xattrs;
}

function readExtents(reader: PackedReader): readonly Extent[] {
  const extents: Extent[] = [];
  for (let left = reader.number(); left > 0; left--) extents.push({ offset: reader.number(), length: reader.number() });
  return extents;
}
