import type { ByteString } from '../../support/byte-string.js';
import { ContentSparse, HeaderSparse, type SparseMapReader } from './sparse.js';
import { invalidTar } from './tar-format.js';

/** What the keys begin with (GNU tar manual, "Storing Sparse Files"). */
export const SPARSE_RECORD = 'GNU.sparse.';

/** What an extended header says of a sparse file, in one of GNU's formats 0.0, 0.1 and 1.0. */
export class PaxSparseRecords {
  readonly #values = new Map<string, ByteString>();
  /** Of format 0.0, which repeats two keys for each extent, the one after the other. */
  readonly #numbers: number[] = [];

  add(key: string, value: ByteString): void {
    if (key === 'offset' || key === 'numbytes') {
      const isTurn = (key === 'offset') === (this.#numbers.length % 2 === 0);
      if (!isTurn) throw malformed();
      this.#numbers.push(parse(value));
    } else {
      this.#values.set(key, value);
    }
  }

  /** The file's own name: formats 0.1 and 1.0 give the entry another, for readers that do not know them. */
  get name(): ByteString | undefined {
    const name = this.#values.get('name');
    if (name?.includes('\0') === true) throw malformed();
    return name;
  }

  /** @throws `LAYER_INVALID` for a format that is unknown, or an incomplete one */
  reader(name: ByteString): SparseMapReader {
    const version = `${this.#values.get('major') ?? '0'}.${this.#values.get('minor') ?? '-'}`;
    if (version === '1.0') return new ContentSparse(this.#number('realsize'), name);
    const map = this.#values.get('map');
    if (version !== '0.-' && version !== '0.0' && version !== '0.1') {
      throw invalidTar('it is a sparse file of a kind that is unknown', name);
    }
    const numbers = map === undefined ? this.#numbers : map.split(',').map((part) => parse(part as ByteString));
    if (numbers.length !== 2 * this.#number('numblocks')) throw malformed();
    return new HeaderSparse(this.#number('size'), numbers);
  }

  #number(key: string): number {
    return parse(this.#values.get(key) ?? ('' as ByteString));
  }
}

function parse(digits: ByteString): number {
  const number = /^[0-9]{1,16}$/.test(digits) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(number)) throw malformed();
  return number;
}

function malformed(): Error {
  return invalidTar('what an extended header says of a sparse file is malformed');
}
