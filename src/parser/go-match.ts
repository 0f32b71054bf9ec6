import { TsbuildError } from '../support/errors.js';
import { type CharacterTest, literal, type Piece, toSource, visitMatches } from './expansion/wildcard.js';
import { quoted } from './quoted.js';

/**
 * Go's filepath.Match: whether `pattern` matches the whole of `name`. `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` take
 * one character, `\` takes away the meaning of what follows.
 * @throws TsbuildError DOCKERFILE_SEMANTICS when the pattern is malformed, wherever in it.
 */
export function goMatch(pattern: string, name: string): boolean {
  const pieces = parseGoPattern(pattern);
  if (pieces === null) {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot match pattern ${quoted(pattern)}: it is malformed`, {
      hint: 'Close every "[" with "]" and end with no lone "\\"; write "[[]" for a file name with a "[" in it.',
    });
  }
  let matched = false;
  visitMatches(pieces, { text: name, from: 0 }, (end) => (matched = end === name.length));
  return matched;
}

const notSlash: CharacterTest = (character) => character !== '/';

export const ANY_NAME_CHARACTER: Piece = { kind: 'one', takes: notSlash, source: '[^/]' };
export const ANY_NAME_CHARACTERS: Piece = { kind: 'many', takes: notSlash, source: '[^/]' };

/** `null` where Go says ErrBadPattern. */
export function parseGoPattern(pattern: string): Piece[] | null {
  const pieces: Piece[] = [];
  const reader = createPatternReader(pattern);
  while (!reader.atEnd()) {
    const piece = reader.next();
    if (piece === null) return null;
    pieces.push(piece);
  }
  return pieces;
}

/** Reads one piece after the other; `null` is a malformed one. */
export interface PatternReader {
  atEnd(): boolean;
  /** Whether the pattern goes on with `text`; if so, steps over it. */
  skip(text: string): boolean;
  next(): Piece | null;
}

export function createPatternReader(pattern: string): PatternReader {
  const characters = Array.from(pattern);
  let at = 0;
  const next = (): Piece | null => {
    const character = characters[at++] ?? '';
    if (character === '*') return ANY_NAME_CHARACTERS;
    if (character === '?') return ANY_NAME_CHARACTER;
    if (character === '[') return readClass();
    if (character !== '\\') return literal(character)[0] ?? null;
    const escaped = characters[at++];
    return escaped === undefined ? null : (literal(escaped)[0] ?? null);
  };
  const readClass = (): Piece | null => {
    const negated = characters[at] === '^';
    if (negated) at++;
    const ranges: Range[] = [];
    while (characters[at] !== ']' || ranges.length === 0) {
      const low = readClassCharacter();
      if (low === null) return null;
      const high = characters[at] === '-' ? (at++, readClassCharacter()) : low;
      if (high === null) return null;
      ranges.push([low, high]);
    }
    at++;
    return {
      kind: 'one',
      takes: (character) => isInRanges(character, ranges) !== negated,
      source: toClassSource(ranges, negated),
    };
  };
  const readClassCharacter = (): number | null => {
    let character = characters[at++];
    if (character === '-' || character === ']') return null;
    if (character === '\\') character = characters[at++];
    // Go wants the class to go on: what is read here is never its last character.
    return character === undefined || at >= characters.length ? null : (character.codePointAt(0) ?? null);
  };
  return {
    atEnd: () => at >= characters.length,
    skip(text) {
      const found = Array.from(text).every((character, index) => characters[at + index] === character);
      if (found) at += text.length;
      return found;
    },
    next,
  };
}

type Range = readonly [number, number];

/** A range from high to low is empty in Go and an error in a regular expression. */
function toClassSource(ranges: readonly Range[], negated: boolean): string {
  const parts = ranges
    .filter(([low, high]) => low <= high)
    .map(([low, high]) => `${toSource(String.fromCodePoint(low))}-${toSource(String.fromCodePoint(high))}`);
  return `[${negated ? '^' : ''}${parts.join('')}]`;
}

function isInRanges(character: string, ranges: readonly Range[]): boolean {
  const code = character.codePointAt(0) ?? 0;
  return ranges.some(([low, high]) => low <= code && code <= high);
}
