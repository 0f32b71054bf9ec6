import type { Layer } from '../../oci/layer.js';
import { childPath } from '../../support/byte-path.js';
import { systemErrorCode } from '../../support/errors.js';
import { readStored } from '../tar/stored-content.js';
import { ContentElsewhereError } from './content-elsewhere.js';
import type { IndexedFile } from './layer-index.js';

/** Contents of a layer's files, as far as they are at hand: in its tar, where that is not compressed, or in its index. */
export class LayerContent {
  readonly layer: Layer;
  /** Bytes of the tar. */
  readonly tarSize: number;
  #tar: string | undefined;

  /** @param tar absolute path of the layer's tar, where there is one */
  constructor(of: { readonly layer: Layer; readonly tarSize: number }, tar: string | undefined) {
    this.layer = of.layer;
    this.tarSize = of.tarSize;
    this.#tar = tar;
  }

  /** Whether `read` gives the content. */
  isAtHand({ size, kept }: IndexedFile): boolean {
    return size === 0 || kept !== undefined || this.#tar !== undefined;
  }

  /** There is a tar of the layer now, at an absolute path. */
  inflated(tar: string): void {
    this.#tar = tar;
  }

  /** Each chunk is valid until the next is asked for. @throws `ContentElsewhereError` */
  *read(file: IndexedFile): Generator<Uint8Array, void, undefined> {
    const { parent, name, size, offset, extents, kept } = file;
    if (kept !== undefined) yield kept;
    if (kept !== undefined || size === 0) return;
    if (this.#tar === undefined) throw new ContentElsewhereError();
    yield* unlessMissing(readStored({ file: this.#tar, offset, size, extents, path: childPath(parent, name) }));
  }
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
