import type { ByteString } from '../../support/byte-string.js';
import type { TarEntry } from '../tar-entry.js';
import { decodeHeader, isZeroBlock, type TarHeader } from './decode-header.js';
import { parsePaxRecords, type PaxRecords } from './pax.js';
import { checkedExtents, OldGnuSparse, SparseCursor, type Extent, type SparseMapReader } from './sparse.js';
import { BLOCK, invalidTar, paddingOf, SPARSE_FLAG } from './tar-format.js';
import { toEntry, untilNul } from './to-entry.js';

export type TarEvent =
  | {
      readonly kind: 'entry';
      readonly entry: TarEntry;
      /** Of a sparse file: where in it the content belongs that the archive has of it. */
      readonly extents?: readonly Extent[];
    }
  /** Some of the content of the file that was the last entry. Valid until the next event is asked for. */
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  /** So many bytes of the last entry are zeros, which the archive does not have. */
  | { readonly kind: 'hole'; readonly size: number }
  /** The content is complete. Follows the entry and content of every file, empty ones too, and of nothing else. */
  | { readonly kind: 'end' };

type State = 'header' | 'meta' | 'map' | 'content' | 'padding' | 'done';

/** What a reader of tar archives puts up with. */
export interface TarLimits {
  /** 5,000,000 unless given. */
  readonly maxEntries?: number;
  /**
   * Refuse sparse files whose holes, of more than 1 GiB together, are this many times what the archive has been until then. 100
   * unless given; `Infinity` for no limit.
   */
  readonly maxSparseRatio?: number;
}

const MAX_META = 1 << 20;
/** Of one entry. PAX and GNU together need three. */
const MAX_METAS = 16;
const MAX_ENTRIES = 5_000_000;
const MAX_FREE_HOLES = 2 ** 30;
const MAX_SPARSE_RATIO = 100;
const END: TarEvent = { kind: 'end' };
const NO_PAX: PaxRecords = { xattrs: new Map() };

/**
 * A tar archive, cut into chunks anywhere, to a sequence of events. Synchronous: who writes files by synchronous calls need not
 * wait between them. Reads ustar, PAX and GNU; names and extended attributes stay bytes.
 *
 * What is after the end marker is passed over. Every method @throws `LAYER_INVALID`.
 */
export class TarParser {
  #state: State = 'header';
  #partial: Buffer[] = [];
  #partialSize = 0;
  /** Bytes left of the content or padding. */
  #remaining = 0;
  #padding = 0;
  #meta: TarHeader | undefined;
  /** How many extended headers the next entry has had. */
  #metas = 0;
  #pax: PaxRecords | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  /** A sparse file whose map is not complete. */
  #pending: PendingFile | undefined;
  /** Where in the sparse file the content is; `undefined` for any other. */
  #cursor: SparseCursor | undefined;
  #sawZeroBlock = false;
  #entries = 0;
  /** Bytes of headers and contents, and of holes in sparse files. */
  #archived = 0;
  #holes = 0;
  readonly #limits: Required<TarLimits>;

  constructor({ maxEntries = MAX_ENTRIES, maxSparseRatio = MAX_SPARSE_RATIO }: TarLimits = {}) {
    this.#limits = { maxEntries, maxSparseRatio };
  }

  *push(chunk: Uint8Array): Generator<TarEvent, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'content') {
        const part = bytes.subarray(at, at + this.#contentInOnePiece);
        at += part.length;
        yield { kind: 'content', bytes: part };
        yield* this.#pass(part.length);
      } else if (this.#state === 'padding') {
        const skipped = Math.min(this.#remaining, bytes.length - at);
        at += skipped;
        this.#remaining -= skipped;
        if (this.#remaining === 0) this.#state = 'header';
      } else {
        const size = this.#state === 'meta' ? (this.#meta?.size ?? 0) : BLOCK;
        const wanted = size - this.#partialSize;
        const whole = this.#gather(bytes.subarray(at, at + wanted), size);
        at += Math.min(wanted, bytes.length - at);
        if (whole !== undefined) yield* this.#readBlocks(whole);
      }
    }
  }

  /** To be called when there are no more chunks. @throws `LAYER_INVALID` when the archive ends within an entry */
  finish(): void {
    // Like Go's and GNU's, this reader does without an end marker.
    const between = this.#state === 'header' && this.#partialSize === 0 && !this.#hasMeta();
    if (this.#state !== 'done' && !between) throw invalidTar('it is cut off');
  }

  /** Bytes of content still to come: a reader that can seek need not read them, and says so by `skip`. */
  get pendingContent(): number {
    return this.#state === 'content' ? this.#remaining : 0;
  }

  /** Passes over the pending content, as if it had been pushed; no more events of the file follow. */
  skip(): void {
    if (this.#state === 'content') this.#skipPadding();
    this.#cursor = undefined;
  }

  #hasMeta(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  /** A block or extended header as one buffer, or `undefined` while some of it is missing. */
  #gather(part: Buffer, size: number): Buffer | undefined {
    if (this.#partialSize === 0 && part.length === size) return part;
    // A copy: the chunk's memory is the source's again after this call.
    this.#partial.push(Buffer.from(part));
    this.#partialSize += part.length;
    if (this.#partialSize < size) return undefined;
    const whole = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialSize = 0;
    return whole;
  }

  #skipPadding(): void {
    this.#remaining = this.#padding;
    this.#state = this.#padding > 0 ? 'padding' : 'header';
  }

  #readBlocks(blocks: Buffer): Generator<TarEvent, void, undefined> {
    if (this.#state === 'meta') return this.#readMeta(blocks);
    return this.#state === 'map' ? this.#readMap(blocks) : this.#readHeader(blocks);
  }

  *#readHeader(block: Buffer): Generator<TarEvent, void, undefined> {
    if (isZeroBlock(block)) {
      if (this.#hasMeta()) throw invalidTar('an extended header is followed by no entry');
      if (this.#sawZeroBlock) this.#state = 'done';
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw invalidTar('an entry follows the end marker');
    const header = decodeHeader(block);
    if ('xgLK'.includes(header.typeFlag)) this.#beginMeta(header);
    else yield* this.#beginFile(this.#describe(header, block));
  }

  /** Extended headers have the size that their own header says, whatever another before them said about the entry. */
  #beginMeta(header: TarHeader): void {
    if (++this.#metas > MAX_METAS) throw invalidTar(`more than ${MAX_METAS} extended headers follow each other`);
    if (header.size > MAX_META) throw invalidTar('an extended header is longer than 1 MiB');
    this.#meta = header;
    this.#padding = paddingOf(header.size);
    if (header.size > 0) this.#state = 'meta';
  }

  *#readMeta(bytes: Buffer): Generator<TarEvent, void, undefined> {
    switch (this.#meta?.typeFlag) {
      case 'x':
        this.#pax = parsePaxRecords(bytes);
        break;
      case 'L':
        this.#longName = untilNul(bytes);
        break;
      case 'K':
        this.#longLink = untilNul(bytes);
        break;
      default:
      // Global headers: git writes a comment there. Applied to what follows they would let one entry rename the others.
    }
    this.#skipPadding();
  }

  /** PAX beats GNU beats ustar, in whatever order the extended headers came. */
  #describe(header: TarHeader, block: Buffer): PendingFile {
    const { maxEntries } = this.#limits;
    if (++this.#entries > maxEntries) throw invalidTar(`it has more than ${maxEntries} entries`);
    const pax = this.#pax ?? NO_PAX;
    const linkName = pax.linkTarget ?? this.#longLink ?? header.linkName;
    const entry = toEntry({ ...header, name: this.#longName ?? header.name, linkName }, pax);
    this.#pax = this.#longName = this.#longLink = undefined;
    this.#metas = 0;
    this.#archived += BLOCK + entry.size;
    const pending = { entry, stored: entry.size, padding: paddingOf(entry.size) };
    if (entry.type !== 'file') return pending;
    if (pax.sparse !== undefined) return { ...pending, map: pax.sparse.reader(entry.path) };
    return header.typeFlag === SPARSE_FLAG ? { ...pending, map: new OldGnuSparse(block, entry.path) } : pending;
  }

  *#readMap(block: Buffer): Generator<TarEvent, void, undefined> {
    const file = this.#pending;
    if (file?.map === undefined) return;
    file.map.push(block);
    const stored = file.map.inContent ? file.stored - BLOCK : file.stored;
    yield* this.#beginFile({ ...file, stored });
  }

  *#beginFile(file: PendingFile): Generator<TarEvent, void, undefined> {
    const { entry, stored, padding, map } = file;
    if (map?.complete === false) {
      if (map.inContent && stored < BLOCK) throw invalidTar('the map of a sparse file is cut off', entry.path);
      this.#pending = file;
      this.#state = 'map';
      return;
    }
    this.#pending = undefined;
    if (map === undefined) yield { kind: 'entry', entry };
    else yield this.#beginSparse(entry, stored, map);
    this.#state = 'header';
    if (entry.type !== 'file') return;
    this.#remaining = stored;
    this.#padding = padding;
    this.#state = 'content';
    yield* this.#endContent();
  }

  #beginSparse(entry: TarEntry, stored: number, map: SparseMapReader): TarEvent {
    const claim = map.claim();
    const extents = checkedExtents(claim, stored, entry.path);
    this.#holes += claim.size - stored;
    if (this.#holes > MAX_FREE_HOLES && this.#holes > this.#limits.maxSparseRatio * this.#archived) {
      throw invalidTar(`its sparse files have ${this.#holes} bytes of holes, which looks like an attack`, entry.path);
    }
    this.#cursor = new SparseCursor(claim.size, extents);
    return { kind: 'entry', entry: { ...entry, size: claim.size }, extents };
  }

  get #contentInOnePiece(): number {
    return Math.min(this.#remaining, this.#cursor?.stored ?? Infinity);
  }

  #pass(count: number): Generator<TarEvent, void, undefined> {
    this.#remaining -= count;
    this.#cursor?.pass(count);
    return this.#endContent();
  }

  /** Tells of the zeros that come next, and of the end when there is nothing more. */
  *#endContent(): Generator<TarEvent, void, undefined> {
    const size = this.#cursor?.passHole() ?? 0;
    if (size > 0) yield { kind: 'hole', size };
    if (this.#remaining > 0) return;
    this.#cursor = undefined;
    this.#skipPadding();
    yield END;
  }
}

/** A header that has been read, with what the blocks after it will say. */
interface PendingFile {
  readonly entry: TarEntry;
  /** Bytes of content in the archive from here on. */
  readonly stored: number;
  readonly padding: number;
  readonly map?: SparseMapReader;
}
