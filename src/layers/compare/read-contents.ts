import type { BlobReader } from '../../store/blob-store.js';
import { abortable, throwIfAborted } from '../../support/byte-streams.js';
import { decompress } from '../compression/decompress.js';
import { ContentElsewhereError } from '../index/content-elsewhere.js';
import type { LayerContent } from '../index/layer-content.js';
import type { IndexedFile } from '../index/layer-index.js';

/** A content of a layer, and who takes it. */
export interface WantedContent {
  readonly file: IndexedFile;
  /** Each chunk is valid until the call returns. */
  readonly take: (chunk: Uint8Array) => void;
  /** Told of bytes of a sparse file that are zeros, and may be more than anybody wants to read. */
  readonly skip: (length: number) => void;
}

export interface ReadContentsOptions {
  readonly blobs: Pick<BlobReader, 'open'>;
  readonly signal: AbortSignal;
}

/**
 * Reads contents of one layer, in whatever order is quickest: from its tar where that is not compressed, else in one pass over the
 * blob, of which nothing is written anywhere.
 * @param wanted each file once
 * @throws `STORE_IO`, `DIGEST_MISMATCH`, `ABORTED`
 */
export async function readContents(
  content: LayerContent,
  wanted: readonly WantedContent[],
  { blobs, signal }: ReadContentsOptions,
): Promise<void> {
  const remote: WantedContent[] = [];
  for (const each of wanted) {
    throwIfAborted('read a layer', signal);
    if (!(await readAtHand(content, each))) remote.push(each);
  }
  if (remote.length === 0) return;
  const reader = new TarContents(remote);
  const blob = abortable(await blobs.open(content.layer.descriptor), 'read a layer', signal);
  // To its end, where its digest is checked.
  for await (const chunk of decompress(blob)) reader.push(chunk);
}

/** So many chunks are taken before others have their turn. */
const CHUNKS_A_TURN = 64;

async function readAtHand(content: LayerContent, { file, take }: WantedContent): Promise<boolean> {
  if (!content.isAtHand(file) || file.extents !== undefined) return false;
  try {
    let count = 0;
    for (const chunk of content.read(file)) {
      take(chunk);
      if (++count % CHUNKS_A_TURN === 0) await new Promise(setImmediate);
    }
    return true;
  } catch (error) {
    // Its blob is in another store, which the stream finds: nothing has been taken yet.
    if (error instanceof ContentElsewhereError) return false;
    throw error;
  }
}

/** A stretch of the tar, and how much of a hole is before it in the file. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly hole: number;
  /** After it, when it is the last of its file. */
  readonly holeAfter: number;
  readonly wanted: WantedContent;
}

/** Takes contents out of a tar that passes by. */
class TarContents {
  readonly #pieces: readonly Piece[];
  #next = 0;
  /** Of the next chunk in the tar. */
  #position = 0;

  constructor(wanted: readonly WantedContent[]) {
    this.#pieces = wanted.flatMap(piecesOf).sort((a, b) => a.start - b.start);
  }

  push(chunk: Uint8Array): void {
    const [from, to] = [this.#position, this.#position + chunk.byteLength];
    this.#position = to;
    for (let piece = this.#pieces[this.#next]; piece !== undefined; piece = this.#pieces[this.#next]) {
      if (piece.start >= to) return;
      if (piece.start >= from && piece.hole > 0) piece.wanted.skip(piece.hole);
      piece.wanted.take(chunk.subarray(Math.max(0, piece.start - from), Math.min(piece.end, to) - from));
      if (piece.end > to) return;
      if (piece.holeAfter > 0) piece.wanted.skip(piece.holeAfter);
      this.#next += 1;
    }
  }
}

function piecesOf(wanted: WantedContent): readonly Piece[] {
  const { size, offset, extents = [{ offset: 0, length: size }] } = wanted.file;
  const pieces: Piece[] = [];
  let [start, position] = [offset, 0];
  const stored = extents.filter(({ length }) => length > 0);
  for (const [index, extent] of stored.entries()) {
    const end = start + extent.length;
    const after = extent.offset + extent.length;
    const holeAfter = index === stored.length - 1 ? size - after : 0;
    pieces.push({ start, end, hole: extent.offset - position, holeAfter, wanted });
    [start, position] = [end, after];
  }
  if (stored.length === 0 && size > 0) wanted.skip(size);
  return pieces;
}
