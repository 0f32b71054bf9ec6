import type { Digest } from '../../oci/digest.js';
import { isTsbuildError } from '../../support/errors.js';
import { TarParser, type TarEvent } from '../tar/tar-parser.js';
import type { IndexLimits } from './layer-index.js';
import { LayerIndexBuilder } from './layer-index-builder.js';

/**
 * Makes the index of a layer whose tar somebody parses: `chunk` before the chunk is pushed into the parser, `event` for all that
 * comes of it.
 */
export class TarIndexer {
  readonly #builder: LayerIndexBuilder;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Of the chunk in the tar. */
  #position = 0;

  constructor(limits: IndexLimits = {}) {
    this.#builder = new LayerIndexBuilder(limits);
  }

  chunk(chunk: Uint8Array): void {
    this.#position += this.#chunk.byteLength;
    this.#chunk = chunk;
  }

  event(event: TarEvent): void {
    if (event.kind === 'entry') this.#builder.entry(event.entry, event.extents);
    else if (event.kind === 'content') {
      // What the parser gives of a content is a part of the chunk, not a copy.
      this.#builder.content(this.#position + event.bytes.byteOffset - this.#chunk.byteOffset, event.bytes);
    } else if (event.kind === 'end') this.#builder.end();
  }

  abandon(): void {
    this.#builder.abandon();
  }

  /**
   * To be called when the digest of all chunks is known to be `diffId`: nobody believes an index of other bytes.
   * @returns `undefined` when the layer is too large for an index, or was abandoned
   */
  finish(diffId: Digest): Buffer | undefined {
    return this.#builder.finish({ diffId, tarSize: this.#position + this.#chunk.byteLength });
  }
}

/** Makes the index of a layer whose tar nobody else parses. What is no tar has none; that is for others to complain of. */
export class TarReadingIndexer {
  readonly #indexer: TarIndexer;
  readonly #parser = new TarParser();
  #failed = false;

  constructor(limits: IndexLimits = {}) {
    this.#indexer = new TarIndexer(limits);
  }

  push(chunk: Uint8Array): void {
    this.#indexer.chunk(chunk);
    if (this.#failed) return;
    this.#unlessInvalid(() => {
      for (const event of this.#parser.push(chunk)) this.#indexer.event(event);
    });
  }

  /** As of `TarIndexer`. */
  finish(diffId: Digest): Buffer | undefined {
    this.#unlessInvalid(() => {
      this.#parser.finish();
    });
    return this.#failed ? undefined : this.#indexer.finish(diffId);
  }

  #unlessInvalid(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!isTsbuildError(error, 'LAYER_INVALID')) throw error;
      this.#failed = true;
      this.#indexer.abandon();
    }
  }
}
