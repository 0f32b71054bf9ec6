import type { FileState } from '../../layers/stated-tree.js';
import type { ByteString } from '../../support/byte-string.js';

const VERSION = 1;
/** Numbers of a state. */
const WIDTH = 5;
/** Bytes of a SHA-256. */
const HASH = 32;

/** In columns: an object for each of 50,000 files would cost more to read than looking at the files. */
interface EncodedTable {
  readonly version: typeof VERSION;
  readonly paths: readonly string[];
  /** Base64 of `WIDTH` 64-bit numbers a file, in the byte order of this machine. */
  readonly states: string;
  /** Base64 of a hash a file. */
  readonly hashes: string;
}

/** Hashes of files by path and state. */
export class FileTable {
  readonly #paths: string[];
  #states: BigInt64Array;
  #hashes: Buffer;
  /** Where the file is that will be asked for next, if files are asked for in the order in which they were added. */
  #next = 0;
  #places: Map<string, number> | undefined;

  constructor(paths: string[] = [], states: BigInt64Array = new BigInt64Array(0), hashes: Buffer = Buffer.alloc(0)) {
    this.#paths = paths;
    this.#states = states;
    this.#hashes = hashes;
  }

  /** `undefined` for what is no table, or too large a one. */
  static decode(record: unknown, maxFiles: number): FileTable | undefined {
    const { version, paths, states, hashes } = (record ?? {}) as Partial<EncodedTable>;
    if (version !== VERSION || !Array.isArray(paths) || paths.length > maxFiles) return undefined;
    if (typeof states !== 'string' || typeof hashes !== 'string') return undefined;
    const [stateBytes, hashBytes] = [Buffer.from(states, 'base64'), Buffer.from(hashes, 'base64')];
    if (stateBytes.length !== paths.length * WIDTH * 8 || hashBytes.length !== paths.length * HASH) return undefined;
    // A copy: views of 64-bit numbers have to be aligned.
    const numbers = new BigInt64Array(new Uint8Array(stateBytes).buffer);
    return paths.every((path) => typeof path === 'string') ? new FileTable(paths, numbers, hashBytes) : undefined;
  }

  get size(): number {
    return this.#paths.length;
  }

  /** Hexadecimal; `undefined` when the file is not known, or was another then. */
  find(path: ByteString, state: FileState): string | undefined {
    const place = this.#placeOf(path);
    if (place === undefined || !this.#isAt(place, state)) return undefined;
    return this.#hashes.toString('hex', place * HASH, (place + 1) * HASH);
  }

  /** A path is added once. */
  add(path: ByteString, state: FileState, hash: string): void {
    const place = this.#push(path);
    this.#states.set([state.dev, state.ino, state.size, state.mtimeNs, state.ctimeNs], place * WIDTH);
    this.#hashes.write(hash, place * HASH, 'hex');
  }

  /** What another has of files that this one has not. */
  addUnknownOf(other: FileTable): void {
    const own = new Set(this.#paths);
    for (const [from, path] of other.#paths.entries()) {
      if (own.has(path)) continue;
      const place = this.#push(path);
      this.#states.set(other.#states.subarray(from * WIDTH, (from + 1) * WIDTH), place * WIDTH);
      other.#hashes.copy(this.#hashes, place * HASH, from * HASH, (from + 1) * HASH);
    }
  }

  encode(): unknown {
    const { length } = this.#paths;
    const states = Buffer.from(this.#states.buffer, this.#states.byteOffset, length * WIDTH * 8);
    const table: EncodedTable = {
      version: VERSION,
      paths: this.#paths,
      states: states.toString('base64'),
      hashes: this.#hashes.toString('base64', 0, length * HASH),
    };
    return table;
  }

  #push(path: string): number {
    const place = this.#paths.push(path) - 1;
    this.#places?.set(path, place);
    if (this.#states.length < (place + 1) * WIDTH) this.#grow(Math.max(64, place * 2));
    return place;
  }

  #grow(files: number): void {
    const [states, hashes] = [new BigInt64Array(files * WIDTH), Buffer.alloc(files * HASH)];
    states.set(this.#states);
    this.#hashes.copy(hashes);
    this.#states = states;
    this.#hashes = hashes;
  }

  #placeOf(path: string): number | undefined {
    if (this.#paths[this.#next] !== path) {
      this.#places ??= new Map(this.#paths.map((each, place) => [each, place]));
      const place = this.#places.get(path);
      if (place === undefined) return undefined;
      this.#next = place;
    }
    this.#next += 1;
    return this.#next - 1;
  }

  #isAt(place: number, { dev, ino, size, mtimeNs, ctimeNs }: FileState): boolean {
    const at = place * WIDTH;
    const states = this.#states;
    return (
      states[at + 4] === ctimeNs &&
      states[at + 3] === mtimeNs &&
      states[at + 2] === size &&
      states[at + 1] === ino &&
      states[at] === dev
    );
  }
}
