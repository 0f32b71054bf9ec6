import type { ByteString } from '../../support/byte-string.js';
import { numberAt } from './decode-header.js';
import { BLOCK, FIELD, invalidTar } from './tar-format.js';

/** A part of a sparse file that the archive holds. What is between two of them, or after the last, is zeros. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** What an archive says of a sparse file, before it is checked. */
export interface SparseClaim {
  /** Bytes of the file, its holes counted. */
  readonly size: number;
  readonly extents: readonly Extent[];
}

/** Collects where the extents of a file are, from as many further blocks of the archive as it takes. */
export interface SparseMapReader {
  readonly complete: boolean;
  /** Whether the further blocks count as content of the file. */
  readonly inContent: boolean;
  push(block: Buffer): void;
  claim(): SparseClaim;
}

/** GNU tar spends 24 bytes on each: this many make a header of 1.5 MiB. */
const MAX_EXTENTS = 1 << 16;
const NUMBER_LENGTH = 12;
const EXTENT_LENGTH = 2 * NUMBER_LENGTH;
/** Where the header of type S of GNU's old format has its first extents, whether more follow, and the size of the file. */
const OLD_GNU = { extents: 386, count: 4, isExtended: 482, size: 483 } as const;
const OLD_GNU_EXTENSION = { extents: 0, count: 21, isExtended: 504 } as const;
const GNU_MAGIC = 'ustar  \0';

/** Of a header of type S: GNU's old format, which is also that of `tar --format=gnu`. */
export class OldGnuSparse implements SparseMapReader {
  readonly inContent = false;
  readonly #name: ByteString;
  readonly #size: number;
  readonly #extents: Extent[] = [];
  #isExtended = false;

  /** @throws `LAYER_INVALID` for a header of another tar: star has something else in the same place */
  constructor(header: Buffer, name: ByteString) {
    this.#name = name;
    if (header.toString('latin1', FIELD.magic[0], FIELD.magic[0] + FIELD.magic[1]) !== GNU_MAGIC) {
      throw invalidTar('it is a sparse file of a kind that is unknown', name);
    }
    this.#size = numberAt(header, [OLD_GNU.size, NUMBER_LENGTH]);
    this.#add(header, OLD_GNU);
  }

  get complete(): boolean {
    return !this.#isExtended;
  }

  push(block: Buffer): void {
    this.#add(block, OLD_GNU_EXTENSION);
  }

  claim(): SparseClaim {
    return { size: this.#size, extents: this.#extents };
  }

  #add(block: Buffer, at: { readonly extents: number; readonly count: number; readonly isExtended: number }): void {
    for (let index = 0; index < at.count; index++) {
      const start = at.extents + index * EXTENT_LENGTH;
      if (block[start] === 0) break;
      const offset = numberAt(block, [start, NUMBER_LENGTH]);
      this.#extents.push({ offset, length: numberAt(block, [start + NUMBER_LENGTH, NUMBER_LENGTH]) });
    }
    if (this.#extents.length > MAX_EXTENTS) throw tooManyExtents(this.#name);
    this.#isExtended = block[at.isExtended] !== 0;
  }
}

/** PAX format 0.0 and 0.1: the whole map is in the extended header. */
export class HeaderSparse implements SparseMapReader {
  readonly complete = true;
  readonly inContent = false;
  readonly #claim: SparseClaim;

  /** @param numbers offset and length of each extent, one after the other */
  constructor(size: number, numbers: readonly number[]) {
    this.#claim = { size, extents: pairs(numbers) };
  }

  push(): void {
    // Nothing more is asked for.
  }

  claim(): SparseClaim {
    return this.#claim;
  }
}

/** PAX format 1.0: lines of decimal numbers before the content, filled up to whole blocks: a count, then pairs. */
export class ContentSparse implements SparseMapReader {
  readonly inContent = true;
  readonly #size: number;
  readonly #name: ByteString;
  readonly #numbers: number[] = [];
  #digits = '';

  constructor(size: number, name: ByteString) {
    this.#size = size;
    this.#name = name;
  }

  get complete(): boolean {
    const [count] = this.#numbers;
    return count !== undefined && this.#numbers.length > 2 * count;
  }

  push(block: Buffer): void {
    const lines = (this.#digits + block.toString('latin1')).split('\n');
    this.#digits = lines.pop() ?? '';
    for (const line of lines) {
      if (this.complete) return;
      if (!/^[0-9]{1,16}$/.test(line)) throw invalidTar('the map of a sparse file is malformed', this.#name);
      this.#numbers.push(Number(line));
      if ((this.#numbers[0] ?? 0) > MAX_EXTENTS) throw tooManyExtents(this.#name);
    }
    // A line is 16 digits at most: a block without an end of line is none of numbers.
    if (!this.complete && this.#digits.length >= BLOCK) {
      throw invalidTar('the map of a sparse file is malformed', this.#name);
    }
  }

  claim(): SparseClaim {
    return { size: this.#size, extents: pairs(this.#numbers.slice(1)) };
  }
}

function pairs(numbers: readonly number[]): Extent[] {
  const extents: Extent[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    extents.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return extents;
}

/**
 * @param stored bytes of content in the archive, which the extents must be, no more and no less
 * @returns the extents that have content
 * @throws `LAYER_INVALID` for extents that overlap, are out of order, or reach beyond the end of the file
 */
export function checkedExtents(claim: SparseClaim, stored: number, name: ByteString): readonly Extent[] {
  const isNumber = Number.isSafeInteger(claim.size) && claim.size >= 0;
  let [end, sum] = [0, 0];
  for (const { offset, length } of claim.extents) {
    const fits = offset >= end && length >= 0 && offset + length <= claim.size;
    if (!fits || !isNumber) throw invalidTar('the map of a sparse file is malformed', name);
    end = offset + length;
    sum += length;
  }
  if (!isNumber || sum !== stored) {
    throw invalidTar('the map of a sparse file does not fit its content', name);
  }
  return claim.extents.filter(({ length }) => length > 0);
}

/** Where in a sparse file the next stored byte belongs. */
export class SparseCursor {
  readonly #size: number;
  readonly #extents: readonly Extent[];
  #index = 0;
  #position = 0;

  constructor(size: number, extents: readonly Extent[]) {
    this.#size = size;
    this.#extents = extents;
  }

  /** Bytes of zeros from here to the next extent, or to the end; they are passed over. */
  passHole(): number {
    const next = this.#extents[this.#index]?.offset ?? this.#size;
    const hole = Math.max(next - this.#position, 0);
    this.#position += hole;
    return hole;
  }

  /** Bytes up to the end of the extent that this is in. */
  get stored(): number {
    const extent = this.#extents[this.#index];
    return extent === undefined ? 0 : extent.offset + extent.length - this.#position;
  }

  pass(count: number): void {
    this.#position += count;
    if (this.stored === 0) this.#index++;
  }
}

const ZEROS: Uint8Array = new Uint8Array(1 << 16);

/** The content of a hole, for who cannot leave one. */
export function* zeros(count: number): Generator<Uint8Array, void, undefined> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

function tooManyExtents(name: ByteString): Error {
  return invalidTar(`it is a sparse file of more than ${MAX_EXTENTS} parts`, name);
}
