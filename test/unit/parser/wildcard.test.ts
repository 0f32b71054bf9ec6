import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Piece, toPathTest, visitMatches } from '../../../src/parser/expansion/wildcard.js';
import { parseGoPattern } from '../../../src/parser/go-match.js';

const DIRECTORIES: Piece = { kind: 'directories' };

function endsOf(pieces: readonly Piece[], text: string): number[] {
  const ends: number[] = [];
  visitMatches(pieces, { text, from: 0 }, (end) => {
    ends.push(end);
    return false;
  });
  return ends;
}

test('every end of a match is visited, ascending', () => {
  expect(endsOf(parseGoPattern('a*') ?? [], 'aab/c')).toEqual([1, 2, 3]);
  expect(endsOf(parseGoPattern('?') ?? [], '\u{1f680}x')).toEqual([2]);
  expect(endsOf([DIRECTORIES], 'a/bc/d')).toEqual([0, 2, 5]);
  expect(endsOf([], 'a')).toEqual([0]);
});

test('the visit can end the search', () => {
  const ends: number[] = [];
  visitMatches(parseGoPattern('*') ?? [], { text: 'abc', from: 1 }, (end) => ends.push(end) === 2);
  expect(ends).toEqual([1, 2]);
});

test('the regular expression for few wildcards and the search for many agree', () => {
  const go = fc.constantFrom('a', 'b', '\u{1f680}', '*', '?', '/', '[ab]', '[^a]', '[b-a]', '\\*', '.', '$', '+');
  const piece = fc.oneof(
    { weight: 8, arbitrary: go.map((text) => parseGoPattern(text) ?? []) },
    { weight: 1, arbitrary: fc.constant([DIRECTORIES]) },
  );
  const pattern = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.flat());
  const path = fc.array(fc.constantFrom('a', 'b', '\u{1f680}', '*', '.', 'ab', '$'), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(pattern, path, (pieces, names) => {
      const text = names.join('/');
      const searched = endsOf(pieces, text).some((end) => end > 0 && (end === text.length || text[end] === '/'));
      expect(toPathTest(pieces)(text)).toBe(searched);
    }),
    { numRuns: 1_000 },
  );
});
