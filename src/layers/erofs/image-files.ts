import { readFileSync } from 'node:fs';
import { baseName, parentPath, ROOT } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import { decodeDevice } from '../../support/syscalls.js';
import { OPAQUE_VALUE } from '../directory-files.js';
import { parsePlaceholder, type Placeholder } from '../files/file-entry.js';
import { isLayerXattr, portableXattr } from '../files/layer-xattrs.js';
import { DEVICE_XATTR } from '../files/ownership.js';
import type { LayerFile, LayerFiles, LayerName } from '../layer-files.js';
import { readStored } from '../tar/stored-content.js';
import type { TreeEntry } from '../tree.js';
import { ErofsReader, type ErofsFile } from './erofs-reader.js';

/** A layer that is mounted from its tar. Paths are absolute. */
export interface LayerImage {
  /** What `writeErofs` made for the tar, where it is as it was made. */
  readonly metadata: string;
  readonly tar: string;
}

const OPAQUE = 'trusted.overlay.opaque' as ByteString;

/** What the kernel would show of it. The metadata are read when the first file is asked for. */
export function openImageFiles(image: LayerImage): LayerFiles {
  return new ImageFiles(image);
}

class ImageFiles implements LayerFiles {
  readonly #image: LayerImage;
  #reader: ErofsReader | undefined;
  /** Of directories that were looked for. */
  readonly #directories = new Map<ByteString, ErofsFile | undefined>();

  constructor(image: LayerImage) {
    this.#image = image;
  }

  find(path: ByteString): LayerFile | undefined {
    const found = this.#look(path);
    return found === undefined ? undefined : new FileOfImage(path, found, { image: this.#image, reader: this.#open() });
  }

  read(path: ByteString): Iterable<Uint8Array> {
    const found = this.find(path);
    invariant(found !== undefined, `there is "${path}"`);
    return found.read();
  }

  *list(directory: ByteString): Generator<LayerName, void, undefined> {
    const reader = this.#open();
    const found = this.#directory(directory);
    if (found === undefined) return;
    for (const [name, number] of reader.entries(found)) yield { name, isWhiteout: isWhiteout(reader.file(number)) };
  }

  #open(): ErofsReader {
    this.#reader ??= new ErofsReader(readFileSync(this.#image.metadata));
    return this.#reader;
  }

  #look(path: ByteString): ErofsFile | undefined {
    const reader = this.#open();
    if (path === ROOT) return reader.root;
    const parent = this.#directory(parentPath(path));
    const number = parent === undefined ? undefined : reader.entries(parent).get(baseName(path));
    return number === undefined ? undefined : reader.file(number);
  }

  #directory(path: ByteString): ErofsFile | undefined {
    if (this.#directories.has(path)) return this.#directories.get(path);
    const found = this.#look(path);
    const directory = found?.type === 'directory' ? found : undefined;
    this.#directories.set(path, directory);
    return directory;
  }
}

function isWhiteout({ type, data }: ErofsFile): boolean {
  return type === 'character-device' && data === 0;
}

class FileOfImage implements LayerFile {
  readonly kind: LayerFile['kind'];
  readonly stat = undefined;
  readonly #path: ByteString;
  readonly #file: ErofsFile;
  readonly #of: { readonly image: LayerImage; readonly reader: ErofsReader };

  constructor(path: ByteString, file: ErofsFile, of: { readonly image: LayerImage; readonly reader: ErofsReader }) {
    this.#path = path;
    this.#file = file;
    this.#of = of;
    this.kind = file.type === 'directory' ? 'directory' : isWhiteout(file) ? 'whiteout' : 'file';
  }

  isOpaque(): boolean {
    return this.#of.reader.xattrs(this.#file).get(OPAQUE)?.equals(OPAQUE_VALUE) === true;
  }

  entry(): TreeEntry {
    const { mode, uid, gid, size, mtime, links, number, data } = this.#file;
    const device = this.#placeholder();
    const type = device?.type ?? this.#file.type;
    return {
      ...{ type, mode, uid, gid, mtime },
      size: type === 'file' ? size : 0,
      inode: type === 'directory' || links === 1 ? null : `${this.#of.image.metadata}:${number}`,
      ...(type === 'symlink'
        ? { linkTarget: this.#of.reader.content(this.#file).toString('latin1') as ByteString }
        : {}),
      ...(type.endsWith('-device') ? { device: device ?? decodeDevice(BigInt(data)) } : {}),
    };
  }

  #placeholder(): Placeholder | undefined {
    const { type, size } = this.#file;
    return type === 'file' && size === 0
      ? parsePlaceholder(this.#of.reader.xattrs(this.#file).get(DEVICE_XATTR))
      : undefined;
  }

  xattrs(): ReadonlyMap<ByteString, Uint8Array> {
    const kept = new Map<ByteString, Uint8Array>();
    for (const [name, value] of this.#of.reader.xattrs(this.#file)) {
      if (isLayerXattr(name)) kept.set(name, portableXattr(name, value));
    }
    return kept;
  }

  read(): Iterable<Uint8Array> {
    const { image, reader } = this.#of;
    invariant(this.#file.type === 'file', `"${this.#path}" is a file`);
    const { size } = this.#file;
    if (size === 0) return [];
    const offset = reader.placeInTar(this.#file);
    if (offset === undefined) return [reader.content(this.#file)];
    return readStored({ file: image.tar, offset, size, path: this.#path });
  }
}
