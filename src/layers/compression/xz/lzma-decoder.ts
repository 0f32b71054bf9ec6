import { invalidStream } from '../invalid-stream.js';
import type { Dictionary } from './dictionary.js';
import { HALF, RangeDecoder } from './range-decoder.js';

const STATES = 12;
/** States from here on follow a match, those below a literal. */
const FIRST_MATCH_STATE = 7;
const POSITION_STATES = 16;
const MIN_MATCH = 2;
/** The distance that LZMA without a size ends with; LZMA2 has sizes and no use for it. */
const END_MARKER = 0xffffffff;

/** Where the parts of the model lie in one array of probabilities. */
const LENGTH_CHOICE_2 = 1;
const LENGTH_LOW = 2;
const LENGTH_MIDDLE: number = LENGTH_LOW + POSITION_STATES * 8;
const LENGTH_HIGH: number = LENGTH_MIDDLE + POSITION_STATES * 8;
const LENGTH_PROBABILITIES: number = LENGTH_HIGH + 256;

const IS_MATCH = 0;
const IS_REPEAT: number = IS_MATCH + STATES * POSITION_STATES;
const IS_REPEAT_1: number = IS_REPEAT + STATES;
const IS_REPEAT_2: number = IS_REPEAT_1 + STATES;
const IS_REPEAT_3: number = IS_REPEAT_2 + STATES;
const IS_LONG_REPEAT: number = IS_REPEAT_3 + STATES;
const SLOT: number = IS_LONG_REPEAT + STATES * POSITION_STATES;
const SPECIAL: number = SLOT + 4 * 64;
const ALIGN: number = SPECIAL + 128;
const MATCH_LENGTH: number = ALIGN + 16;
const REPEAT_LENGTH: number = MATCH_LENGTH + LENGTH_PROBABILITIES;
const LITERAL: number = REPEAT_LENGTH + LENGTH_PROBABILITIES;
const LITERAL_SIZE = 0x300;

export interface LzmaProperties {
  readonly literalContextBits: number;
  readonly literalPositionBits: number;
  readonly positionBits: number;
}

/** @throws `LAYER_INVALID` */
export function parseProperties(byte: number): LzmaProperties {
  const literalContextBits = byte % 9;
  const literalPositionBits = Math.floor(byte / 9) % 5;
  const positionBits = Math.floor(byte / 45);
  if (positionBits > 4 || literalContextBits + literalPositionBits > 4) throw invalidStream('its xz stream is damaged');
  return { literalContextBits, literalPositionBits, positionBits };
}

/** Decodes the LZMA chunks of an LZMA2 stream into a dictionary; its model goes on from chunk to chunk until it is reset. */
export class LzmaDecoder {
  readonly #dictionary: Dictionary;
  readonly #range = new RangeDecoder();
  #properties: LzmaProperties = { literalContextBits: 0, literalPositionBits: 0, positionBits: 0 };
  #model = new Uint16Array(0);
  #state = 0;
  /** The last four distances, latest first: fields, as an array would be made anew for every match. */
  #distance1 = 0;
  #distance2 = 0;
  #distance3 = 0;
  #distance4 = 0;

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  reset(properties: LzmaProperties = this.#properties): void {
    const { literalContextBits, literalPositionBits } = properties;
    this.#properties = properties;
    const size = LITERAL + (LITERAL_SIZE << (literalContextBits + literalPositionBits));
    if (this.#model.length !== size) this.#model = new Uint16Array(size);
    this.#model.fill(HALF);
    this.#state = 0;
    this.#distance1 = this.#distance2 = this.#distance3 = this.#distance4 = 0;
  }

  /** @throws `LAYER_INVALID` unless the input gives exactly `size` bytes */
  decode(input: Uint8Array, size: number): void {
    const dictionary = this.#dictionary;
    const range = this.#range;
    const end = dictionary.position + size;
    const mask = (1 << this.#properties.positionBits) - 1;
    range.start(input);
    while (dictionary.position < end) {
      const position = dictionary.decoded & mask;
      if (range.bit(this.#model, IS_MATCH + this.#state * POSITION_STATES + position) === 0) {
        this.#literal();
        continue;
      }
      const length = this.#matchLength(position);
      if (length > end - dictionary.position) throw invalidStream('its xz stream is damaged');
      dictionary.repeat(this.#distance1, length);
    }
    if (!range.isFinished) throw invalidStream('its xz stream is damaged');
  }

  #literal(): void {
    const dictionary = this.#dictionary;
    const range = this.#range;
    const model = this.#model;
    const { literalContextBits, literalPositionBits } = this.#properties;
    const decoded = dictionary.decoded;
    const previous = decoded === 0 ? 0 : dictionary.at(0);
    const low = (decoded & ((1 << literalPositionBits) - 1)) << literalContextBits;
    const offset = LITERAL + LITERAL_SIZE * (low + (previous >> (8 - literalContextBits)));
    let symbol = 1;
    if (this.#state >= FIRST_MATCH_STATE) symbol = this.#matchedLiteral(offset);
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(model, offset + symbol);
    dictionary.put(symbol & 0xff);
    this.#state = this.#state < 4 ? 0 : this.#state - (this.#state < 10 ? 3 : 6);
  }

  /** After a match the byte that would have followed it is a hint at what follows instead. @returns the symbol where they part */
  #matchedLiteral(offset: number): number {
    const range = this.#range;
    const model = this.#model;
    const distance = this.#distance1;
    if (distance >= this.#dictionary.decoded) throw invalidStream('its xz stream is damaged');
    let expected = this.#dictionary.at(distance);
    let symbol = 1;
    while (symbol < 0x100) {
      const expectedBit = (expected >> 7) & 1;
      expected <<= 1;
      const bit = range.bit(model, offset + ((1 + expectedBit) << 8) + symbol);
      symbol = (symbol << 1) | bit;
      if (bit !== expectedBit) break;
    }
    return symbol;
  }

  /** Of a match whose distance is then the latest. */
  #matchLength(position: number): number {
    const range = this.#range;
    const model = this.#model;
    const state = this.#state;
    if (range.bit(model, IS_REPEAT + state) === 1) return this.#repeatLength(position);
    const length = this.#length(MATCH_LENGTH, position);
    this.#state = state < FIRST_MATCH_STATE ? 7 : 10;
    this.#pushDistance(this.#distance(length), 4);
    return length + MIN_MATCH;
  }

  #repeatLength(position: number): number {
    const range = this.#range;
    const model = this.#model;
    const state = this.#state;
    const afterLiteral = state < FIRST_MATCH_STATE;
    if (range.bit(model, IS_REPEAT_1 + state) === 0) {
      if (range.bit(model, IS_LONG_REPEAT + state * POSITION_STATES + position) === 0) {
        this.#state = afterLiteral ? 9 : 11;
        return 1;
      }
    } else {
      this.#recall(state);
    }
    this.#state = afterLiteral ? 8 : 11;
    return this.#length(REPEAT_LENGTH, position) + MIN_MATCH;
  }

  /** Makes an older distance the latest. */
  #recall(state: number): void {
    const range = this.#range;
    const model = this.#model;
    if (range.bit(model, IS_REPEAT_2 + state) === 0) this.#pushDistance(this.#distance2, 2);
    else if (range.bit(model, IS_REPEAT_3 + state) === 0) this.#pushDistance(this.#distance3, 3);
    else this.#pushDistance(this.#distance4, 4);
  }

  /** Puts a distance before the others; the one at `place` goes. */
  #pushDistance(distance: number, place: 2 | 3 | 4): void {
    if (place > 3) this.#distance4 = this.#distance3;
    if (place > 2) this.#distance3 = this.#distance2;
    this.#distance2 = this.#distance1;
    this.#distance1 = distance;
  }

  #length(offset: number, position: number): number {
    const range = this.#range;
    const model = this.#model;
    if (range.bit(model, offset) === 0) return range.tree(model, offset + LENGTH_LOW + position * 8, 3);
    if (range.bit(model, offset + LENGTH_CHOICE_2) === 0)
      return 8 + range.tree(model, offset + LENGTH_MIDDLE + position * 8, 3);
    return 16 + range.tree(model, offset + LENGTH_HIGH, 8);
  }

  #distance(length: number): number {
    const range = this.#range;
    const model = this.#model;
    const slot = range.tree(model, SLOT + Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return base + range.reverseTree(model, SPECIAL + base - slot, bits);
    const distance = base + range.direct(bits - 4) * 16 + range.reverseTree(model, ALIGN, 4);
    if (distance === END_MARKER) throw invalidStream('its xz stream is damaged');
    return distance;
  }
}
