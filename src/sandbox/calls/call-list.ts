import { constants } from 'node:os';
import { invariant } from '../../support/invariant.js';
import type { TsbuildError } from '../../support/errors.js';
import { setupFailure } from './attempt.js';
import { callNumber, type CallName } from './call-numbers.js';
import { ARGUMENT_KIND, CALL_DESCRIPTORS, CALL_END, CALL_FINISH, RECORD } from './call-program.js';

/** Where every list is put in the memory of the program, in place of the one before: away from all else of a small process. */
const ADDRESS = 0x1_0000_0000;
const ALIGNMENT = 8;
/** Their tags have 16 bits. */
const MAX_CALLS = 0x10000;

/** Bytes that go with a list. An address once it is encoded. */
export interface Memory {
  /** `null`: zeros, which are part of the answer. A text is one of the C library's, and ends with a zero. */
  readonly content: Uint8Array | string | null;
  readonly size: number;
  /** Addresses in it. */
  readonly pointers: readonly (readonly [offset: number, to: Memory])[];
}

/** A place in a list to go on from; `null` until it is known. */
export interface Label {
  position: number | null;
}

/** A call in a list, and the name of its result. */
export interface Call {
  readonly index: number;
}

export type Argument =
  | number
  | bigint
  | Memory
  /** The result of an earlier call. */
  | { readonly resultOf: Call }
  /** A 32-bit number that an earlier call has put there. */
  | { readonly intAt: Memory; readonly offset: number }
  /** The part of the list that is answered. */
  | { readonly answered: 'address' | 'size' };

export interface CallOptions {
  /** Errors that are no failure. */
  readonly tolerate?: readonly string[];
  /** What comes after one of those; absent: the next call. */
  readonly otherwise?: Label;
  /** What comes after a result of zero; absent: the next call. */
  readonly onZero?: Label;
}

/** Turns the name of an errno into the error that a user sees. */
export type Failure = (code: string) => TsbuildError;

interface Entry extends CallOptions {
  readonly number: number;
  readonly args: readonly Argument[];
  readonly failure: Failure;
}

/**
 * System calls for the call program to make, one after the other. Nothing happens before the list is sent. A call that fails ends the
 * list and the process, unless its error is tolerated.
 */
export class CallList {
  readonly #entries: Entry[] = [];
  readonly #memory: Memory[] = [];
  readonly #branches: (() => void)[] = [];
  readonly #architecture: string;
  #failure: Failure = (code) => setupFailure('set up the sandbox', code);

  constructor(architecture: string = process.arch) {
    this.#architecture = architecture;
  }

  call(name: CallName, args: readonly Argument[], options: CallOptions = {}): Call {
    return this.#add({
      ...options,
      number: callNumber(name, this.#architecture),
      args,
      failure: this.#failure,
    });
  }

  /** What the calls of `act` are for: "cannot <what>: <errno>", or what `failure` makes of errno. */
  during(what: string | Failure, act: () => void): void {
    const before = this.#failure;
    this.#failure = typeof what === 'string' ? (code) => setupFailure(what, code) : what;
    act();
    this.#failure = before;
  }

  /** A place that is not known yet. */
  label(): Label {
    return { position: null };
  }

  /** Makes the next call of the list the one that a label stands for. */
  place(label: Label): void {
    label.position = this.#entries.length;
  }

  /** Calls off the list's path: reached by the label, and never by going on from what stands before. */
  aside(act: () => void): Label {
    const label = this.label();
    const failure = this.#failure;
    this.#branches.push(() => {
      this.place(label);
      this.during(failure, act);
      this.finish();
    });
    return label;
  }

  /** Ends the process here, once it has no children. */
  finish(): void {
    this.#add({ number: CALL_FINISH, args: [], failure: this.#failure });
  }

  /** Tells whoever sent the list what has come of it so far. */
  answer(): void {
    this.#add({
      number: callNumber('write', this.#architecture),
      args: [CALL_DESCRIPTORS.answers, { answered: 'address' }, { answered: 'size' }],
      failure: this.#failure,
    });
  }

  data(bytes: Uint8Array, pointers: Memory['pointers'] = []): Memory {
    return this.#keep({ content: bytes, size: bytes.length, pointers });
  }

  /** A string of the C library. */
  text(text: string): Memory {
    invariant(!text.includes('\0'), 'a string of a system call has a NUL in it');
    return this.#keep({ content: text, size: Buffer.byteLength(text) + 1, pointers: [] });
  }

  /** Zeros for a call to write to; their content is in the answer. */
  space(size: number): Memory {
    return this.#keep({ content: null, size, pointers: [] });
  }

  /** To be called once: what is beside the path comes to its end. */
  encode(): EncodedList {
    this.#add({ number: CALL_END, args: [], failure: this.#failure });
    for (let branch = this.#branches.shift(); branch !== undefined; branch = this.#branches.shift()) branch();
    invariant(this.#entries.length <= MAX_CALLS, 'a list has too many calls');
    const places = this.#arrange();
    const bytes = Buffer.alloc(places.size);
    this.#entries.forEach((entry, index) => {
      writeRecord(bytes, { entry, index, places });
    });
    for (const memory of this.#memory) {
      const start = places.of(memory);
      if (typeof memory.content === 'string') bytes.write(memory.content, start);
      else if (memory.content !== null) bytes.set(memory.content, start);
      for (const [offset, to] of memory.pointers) writeLong(bytes, start + offset, ADDRESS + places.of(to));
    }
    return {
      bytes,
      address: ADDRESS,
      answeredBytes: places.answered,
      startOf: (memory) => places.of(memory),
      failureOf: (index) => this.#entries[index]?.failure,
    };
  }

  /** Records, then what calls write to, then all else. */
  #arrange(): Places {
    const places = new Map<Memory, number>();
    let size = this.#entries.length * RECORD.bytes;
    const put = (memory: Memory): void => {
      places.set(memory, size);
      size += Math.ceil(memory.size / ALIGNMENT) * ALIGNMENT;
    };
    this.#memory.filter(({ content }) => content === null).forEach(put);
    const answered = size;
    this.#memory.filter(({ content }) => content !== null).forEach(put);
    const of = (memory: Memory): number => {
      const place = places.get(memory);
      invariant(place !== undefined, 'a list points to memory of another');
      return place;
    };
    return { size, answered, of };
  }

  #add(entry: Entry): Call {
    this.#entries.push(entry);
    return { index: this.#entries.length - 1 };
  }

  #keep(memory: Memory): Memory {
    this.#memory.push(memory);
    return memory;
  }
}

/** A list as the program takes it. */
export interface EncodedList {
  readonly bytes: Buffer;
  readonly address: number;
  /** How much of it, from its beginning, an answer is. */
  readonly answeredBytes: number;
  readonly startOf: (memory: Memory) => number;
  /** Of the record with that tag. */
  readonly failureOf: (index: number) => Failure | undefined;
}

/** A list as the program reads it: how long it is, where it belongs, itself. */
export function messageOf({ bytes, address }: EncodedList): Buffer {
  const header = Buffer.alloc(16);
  writeLong(header, 0, bytes.length);
  writeLong(header, 8, address);
  return Buffer.concat([header, bytes]);
}

interface Places {
  readonly size: number;
  readonly answered: number;
  readonly of: (memory: Memory) => number;
}

interface RecordContent {
  readonly entry: Entry;
  readonly index: number;
  readonly places: Places;
}

function writeRecord(bytes: Buffer, { entry, index, places }: RecordContent): void {
  const start = index * RECORD.bytes;
  let kinds = 0;
  entry.args.forEach((argument, position) => {
    const [kind, value] = valueOf(argument, places);
    kinds |= kind << (position * 2);
    writeLong(bytes, start + RECORD.arguments + position * 8, value);
  });
  const { tolerate, otherwise, onZero } = entry;
  bytes.writeUInt32LE(entry.number, start);
  bytes.writeUInt16LE(kinds, start + RECORD.kinds);
  bytes.writeUInt16LE(index, start + RECORD.tag);
  if (tolerate !== undefined) bytes.writeBigUInt64LE(maskOf(tolerate), start + RECORD.tolerated);
  bytes.writeUInt32LE((positionOf(otherwise) ?? index + 1) * RECORD.bytes, start + RECORD.afterTolerated);
  bytes.writeUInt32LE((positionOf(onZero) ?? index + 1) * RECORD.bytes, start + RECORD.afterZero);
}

const HALF = 2 ** 32;

/** 64 bits, without a bigint where there is none: lists have thousands of numbers. */
function writeLong(bytes: Buffer, offset: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), offset);
    return;
  }
  bytes.writeUInt32LE(value >>> 0, offset);
  bytes.writeUInt32LE(Math.floor(value / HALF) >>> 0, offset + 4);
}

function positionOf(label: Label | undefined): number | undefined {
  invariant(label?.position !== null, 'a call goes on from a place that is not in the list');
  return label?.position;
}

function valueOf(argument: Argument, { of, answered }: Places): readonly [kind: number, value: number | bigint] {
  const { immediate, long, int } = ARGUMENT_KIND;
  if (typeof argument === 'number' || typeof argument === 'bigint') return [immediate, argument];
  if ('content' in argument) return [immediate, ADDRESS + of(argument)];
  if ('answered' in argument) return [immediate, argument.answered === 'address' ? ADDRESS : answered];
  if ('resultOf' in argument) return [long, ADDRESS + argument.resultOf.index * RECORD.bytes + RECORD.result];
  return [int, ADDRESS + of(argument.intAt) + argument.offset];
}

const ERRNO: ReadonlyMap<string, number> = new Map(Object.entries(constants.errno));

function maskOf(codes: readonly string[]): bigint {
  return codes.reduce((mask, code) => {
    const number = ERRNO.get(code);
    invariant(number !== undefined && number < 64, `"${code}" cannot be tolerated`);
    return mask | (1n << BigInt(number));
  }, 0n);
}
