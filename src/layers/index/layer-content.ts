import { systemErrorCode } from '../../support/errors.js';
import { readStored } from '../tar/stored-content.js';
import type { Layer } from '../../oci/layer.js';
import { ContentElsewhereError } from './content-elsewhere.js';
import type { IndexedFile } from './layer-index.js';
import { childPath } from '../../support/byte-path.js';

/** Contents of a layer's files, as far as they are at hand. */
export class LayerContent {
  readonly layer: Layer;
  /** Absolute path of the layer's tar, where it is not compressed. */
  readonly #tar: string | undefined;
  /** Copies of contents: by where in the tar they are, where else. */
  readonly #copies = new Map<number, Copy>();

  constructor(layer: Layer, tar: string | undefined) {
    this.layer = layer;
    this.#tar = tar;
  }

  /** Whether `read` gives the content. */
  isAtHand({ size, kept, offset }: IndexedFile): boolean {
    return size === 0 || kept !== undefined || this.#tar !== undefined || this.#copies.has(offset);
  }

  /** There is a copy of the stored bytes of the file whose content is there in the tar. */
  addCopy(offset: number, copy: Copy): void {
    this.#copies.set(offset, copy);
  }

  /** Each chunk is valid until the next is asked for. @throws `ContentElsewhereError` */
  *read(file: IndexedFile): Generator<Uint8Array, void, undefined> {
    const { size, extents, kept } = file;
    if (kept !== undefined) {
      yield kept;
      return;
    }
    const copy = this.#copies.get(file.offset) ?? this.#inTar(file);
    if (size > 0 && copy === undefined) throw new ContentElsewhereError();
    const path = childPath(file.parent, file.name);
    if (copy !== undefined) yield* unlessMissing(readStored({ ...copy, size, extents, path }));
  }

  #inTar({ offset }: IndexedFile): Copy | undefined {
    return this.#tar === undefined ? undefined : { file: this.#tar, offset };
  }
}

export interface Copy {
  /** Absolute path. */
  readonly file: string;
  readonly offset: number;
}

/** A blob may be gone, or in another store. */
function* unlessMissing(content: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw new ContentElsewhereError();
    throw error;
  }
}
