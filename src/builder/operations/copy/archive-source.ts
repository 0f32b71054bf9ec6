import type { Change } from '../../../layers/change.js';
import { decompress } from '../../../layers/compression/decompress.js';
import { startsTar } from '../../../layers/tar/starts-tar.js';
import { readTar, type TarItem } from '../../../layers/tar/read-tar.js';
import type { ByteString } from '../../../support/byte-string.js';
import { isTsbuildError, TsbuildError } from '../../../support/errors.js';
import { EntryPlacing, type UnpackOptions } from './entry-placing.js';
import { hardLink, upsert, type DraftArchive, type DraftFile, type LayerDraft } from './layer-draft.js';

export interface ArchiveFile {
  /** For messages. */
  readonly name: string;
  readonly open: () => Iterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A tar archive that ADD unpacks, compressed or not, known by its content (dockerfile.md 97, 98). It is read twice, so that
 * no content is kept: first its entries are placed in a draft, later the contents come from it as the layer is written.
 */
export class ArchiveSource implements DraftArchive {
  readonly #file: ArchiveFile;
  /** The entries whose content is wanted, by number: the file and the path that its entry had. */
  readonly #contents = new Map<number, { readonly file: DraftFile; readonly path: ByteString }>();

  constructor(file: ArchiveFile) {
    this.#file = file;
  }

  /** Whether the file, uncompressed, begins as a tar archive with an entry in it does. Anything else is copied as it is. */
  async isArchive(): Promise<boolean> {
    let head: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of this.#bytes()) {
        head = Buffer.concat([head, chunk.subarray(0, HEAD)]);
        if (head.length >= HEAD) break;
      }
    } catch (error) {
      if (isTsbuildError(error, 'LAYER_INVALID')) return false;
      throw error;
    }
    return startsTar(head);
  }

  /** @throws `COPY_FAILED` for what is damaged, leads out of the destination, or links to nothing */
  async unpackInto(draft: LayerDraft, options: UnpackOptions): Promise<void> {
    const placing = new EntryPlacing(draft, options, this.#file.name);
    let number = 0;
    for await (const { entry } of this.#items()) {
      const file = placing.place(entry);
      if (file !== undefined && entry.type === 'file') this.#contents.set(number, { file, path: entry.path });
      number++;
    }
  }

  async *changes(namesOf: (file: DraftFile) => readonly ByteString[]): AsyncGenerator<Change, void, undefined> {
    let number = 0;
    for await (const { entry, body } of this.#items()) {
      const wanted = this.#contents.get(number++);
      if (wanted === undefined) continue;
      if (wanted.path !== entry.path) throw this.#failed('it changed while it was read');
      const [first, ...others] = namesOf(wanted.file);
      if (first === undefined) continue;
      yield upsert(first, wanted.file, () => body);
      for (const other of others) yield hardLink(other, wanted.file, first);
    }
  }

  async *#items(): AsyncGenerator<TarItem, void, undefined> {
    try {
      for await (const item of readTar(this.#bytes())) {
        this.#file.signal?.throwIfAborted();
        yield item;
      }
    } catch (error) {
      if (!isTsbuildError(error, 'LAYER_INVALID')) throw error;
      throw this.#failed(error.message, error);
    }
  }

  #bytes(): AsyncIterable<Uint8Array> {
    return decompress(asyncChunks(this.#file.open()));
  }

  #failed(state: string, cause?: unknown): TsbuildError {
    return new TsbuildError('COPY_FAILED', `cannot unpack "${this.#file.name}": ${state}`, {
      hint: 'Make the archive again, or COPY it as it is (ADD --unpack=false) and unpack it in a RUN.',
      cause,
    });
  }
}

const HEAD = 512;

/** What is read by synchronous calls, to be awaited. */
function asyncChunks(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = chunks[Symbol.iterator]();
      return {
        next: () => Promise.resolve(iterator.next()),
        return: () => {
          iterator.return?.();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}
