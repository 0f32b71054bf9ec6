const DEFLATE = 8;
/** RFC 1952 §2.3.1: bits of FLG. */
const FLAGS = { checksum: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 };
const FIXED = 10;

type Part = 'extra-length' | 'extra' | 'text' | 'checksum';

/** The header of one member of a gzip stream (RFC 1952 §2.3), from chunks of any size. What it says is passed over. */
export class GzipHeader {
  readonly #fixed = Buffer.alloc(FIXED);
  #filled = 0;
  #parts: Part[] | undefined;
  /** Bytes of the part at hand that are still to come; `undefined` when it has not begun. */
  #left: number | undefined;
  #extra = 0;

  /** Nothing of it has come. */
  get untouched(): boolean {
    return this.#filled === 0;
  }

  get complete(): boolean {
    return this.#parts?.length === 0;
  }

  /** @returns how much of `chunk` belongs to it @throws `Z_DATA_ERROR` when it is no header of gzip */
  push(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.complete) at += this.#take(chunk.subarray(at));
    return at;
  }

  #take(bytes: Uint8Array): number {
    const [part] = this.#parts ?? [];
    if (part === undefined) return this.#takeFixed(bytes);
    if (part === 'text') return this.#takeText(bytes);
    const left = this.#left ?? (part === 'extra' ? this.#extra : 2);
    const taken = Math.min(left, bytes.length);
    if (part === 'extra-length') {
      for (const [index, byte] of bytes.subarray(0, taken).entries()) this.#extra |= byte << (8 * (2 - left + index));
    }
    this.#left = left - taken;
    if (this.#left === 0) this.#next();
    return taken;
  }

  #takeFixed(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, FIXED - this.#filled);
    this.#fixed.set(taken, this.#filled);
    this.#filled += taken.length;
    if (this.#filled === FIXED) this.#parts = partsOf(this.#fixed);
    return taken.length;
  }

  #takeText(bytes: Uint8Array): number {
    const end = bytes.indexOf(0);
    if (end < 0) return bytes.length;
    this.#next();
    return end + 1;
  }

  #next(): void {
    this.#parts?.shift();
    this.#left = undefined;
    // An extra field of no bytes is over before it has begun.
    if (this.#parts?.[0] === 'extra' && this.#extra === 0) this.#parts.shift();
  }
}

function partsOf(fixed: Buffer): Part[] {
  const [first, second, method, flags = 0] = fixed;
  if (first !== 0x1f || second !== 0x8b) throw dataError('incorrect header check');
  if (method !== DEFLATE) throw dataError('unknown compression method');
  if ((flags & FLAGS.reserved) !== 0) throw dataError('unknown header flags set');
  const parts: Part[] = [];
  if ((flags & FLAGS.extra) !== 0) parts.push('extra-length', 'extra');
  if ((flags & FLAGS.name) !== 0) parts.push('text');
  if ((flags & FLAGS.comment) !== 0) parts.push('text');
  if ((flags & FLAGS.checksum) !== 0) parts.push('checksum');
  return parts;
}

/** As zlib says it. */
export function dataError(message: string): Error {
  return Object.assign(new Error(message), { code: 'Z_DATA_ERROR' });
}
