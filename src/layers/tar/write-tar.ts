import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { Change } from '../change.js';
import type { LayerIndexBuilder } from '../index/layer-index-builder.js';
import type { TarEntry } from '../tar-entry.js';
import { opaqueWhiteoutPath, refuseWhiteoutName, whiteoutPath } from '../whiteout.js';
import { encodeHeader } from './encode-header.js';
import { BLOCK, paddingOf } from './tar-format.js';

const CHUNK = 256 * 1024;
/** Leaves room in an extended header for the longest names. */
const MAX_XATTRS = 2 ** 20 - 2 ** 15;
const ZEROS: Uint8Array = new Uint8Array(2 * BLOCK);

/**
 * The tar of a layer (image-spec layer.md): changes in, the order kept, and the same bytes out for the same changes. Chunks are
 * large and the receiver's to keep.
 * @param index is told of the entries as a reader of the tar would be
 * @throws `LAYER_INVALID` for a file that a layer cannot hold, or that changes while it is read
 */
export async function* writeTar(
  changes: AsyncIterable<Change> | Iterable<Change>,
  index?: LayerIndexBuilder,
): AsyncGenerator<Uint8Array, void, undefined> {
  const output = new ChunkBuffer();
  for await (const change of changes) {
    const entry = entryOf(change);
    output.put(encodeHeader(entry));
    index?.entry(entry);
    if (change.kind === 'upsert' && entry.size > 0)
      yield* putContent(output, { entry, content: change.open?.() ?? [], index });
    if (entry.type === 'file') index?.end();
    if (output.hasChunks) yield* output.take();
  }
  output.zeros(2 * BLOCK);
  yield* output.take();
  yield output.rest();
}

interface FileContent {
  readonly entry: TarEntry;
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly index: LayerIndexBuilder | undefined;
}

async function* putContent(
  output: ChunkBuffer,
  { entry, content, index }: FileContent,
): AsyncGenerator<Uint8Array, void, undefined> {
  const counter = new ContentCounter(entry);
  const put = (bytes: Uint8Array): void => {
    index?.content(output.position, bytes);
    output.put(counter.count(bytes));
  };
  // Awaiting every chunk of what can be read at once doubles the time of small files.
  if (Symbol.iterator in content) {
    for (const bytes of content) {
      put(bytes);
      if (output.hasChunks) yield* output.take();
    }
  } else {
    for await (const bytes of content) {
      put(bytes);
      if (output.hasChunks) yield* output.take();
    }
  }
  counter.finish();
  output.zeros(paddingOf(entry.size));
}

function entryOf(change: Change): TarEntry {
  switch (change.kind) {
    case 'upsert':
      refuseWhiteoutName(change.entry.path);
      refuseXattrs(change.entry);
      return change.entry;
    case 'delete':
      return whiteout(whiteoutPath(change.path));
    case 'opaque':
      return whiteout(opaqueWhiteoutPath(change.path));
  }
}

/** A record of PAX has its name up to the first equals sign, and extended headers beyond 1 MiB are read by nobody, Go's least. */
function refuseXattrs({ path, xattrs }: TarEntry): void {
  let size = 0;
  for (const [name, value] of xattrs) {
    if (name.includes('='))
      throw badXattrs(path, `the name of its attribute "${textOfBytes(name)}" has an equals sign`);
    size += name.length + value.byteLength;
  }
  if (size > MAX_XATTRS) throw badXattrs(path, 'its extended attributes are too long');
}

function badXattrs(path: ByteString, state: string): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot put "/${textOfBytes(path)}" into a layer: ${state}`, {
    hint: 'Remove the attribute from the file (setfattr -x), or the file.',
  });
}

function whiteout(path: ByteString): TarEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  return { path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime, xattrs: new Map() };
}

/** Holds content to the size that its header has said already. */
class ContentCounter {
  readonly #entry: TarEntry;
  #seen = 0;

  constructor(entry: TarEntry) {
    this.#entry = entry;
  }

  count(bytes: Uint8Array): Uint8Array {
    this.#seen += bytes.byteLength;
    if (this.#seen > this.#entry.size) this.#fail('it grew');
    return bytes;
  }

  finish(): void {
    if (this.#seen < this.#entry.size) this.#fail('it shrank');
  }

  #fail(state: string): never {
    const path = textOfBytes(this.#entry.path);
    throw new TsbuildError('LAYER_INVALID', `cannot put "/${path}" into a layer: ${state} while it was read`, {
      hint: 'Build again when nothing writes to the file.',
    });
  }
}

/** Collects small pieces into chunks of one size. */
class ChunkBuffer {
  readonly #full: Uint8Array[] = [];
  #chunk = Buffer.allocUnsafeSlow(CHUNK);
  #filled = 0;
  /** Bytes in chunks that are full. */
  #before = 0;

  /** Bytes that have been put. */
  get position(): number {
    return this.#before + this.#filled;
  }

  get hasChunks(): boolean {
    return this.#full.length > 0;
  }

  put(bytes: Uint8Array): void {
    if (bytes.byteLength < CHUNK - this.#filled) {
      this.#chunk.set(bytes, this.#filled);
      this.#filled += bytes.byteLength;
      return;
    }
    let at = 0;
    while (at < bytes.byteLength) {
      const part = bytes.subarray(at, at + CHUNK - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === CHUNK) this.#next();
    }
  }

  zeros(count: number): void {
    if (count > 0) this.put(ZEROS.subarray(0, count));
  }

  take(): Uint8Array[] {
    return this.#full.splice(0);
  }

  rest(): Uint8Array {
    return this.#chunk.subarray(0, this.#filled);
  }

  #next(): void {
    this.#full.push(this.#chunk);
    this.#before += CHUNK;
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK);
    this.#filled = 0;
  }
}
