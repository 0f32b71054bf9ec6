import { findLongestMatch, literal, type Piece, visitMatches } from './wildcard.js';

/** The pattern of `${name#pattern}` and its kin: `*`, `?` and escapes, no character classes. */
export interface ShellPattern {
  /** End of the match that begins at `from`, or -1. */
  matchEnd(text: string, from: number, which: 'shortest' | 'longest'): number;
  /** The first match at or after `from`, the longest that begins there. */
  find(text: string, from: number): { readonly from: number; readonly end: number } | undefined;
}

/** Throws what `invalid` makes of an escape that the pattern has no need of. */
export function parseShellPattern(pattern: string, invalid: (escape: string) => Error): ShellPattern {
  return fromPieces(toPieces(Array.from(pattern), invalid));
}

/** For suffixes: matches the reversed text from its start. */
export function parseReversedShellPattern(pattern: string, invalid: (escape: string) => Error): ShellPattern {
  return fromPieces(toPieces(Array.from(pattern), invalid).reverse());
}

function fromPieces(pieces: readonly Piece[]): ShellPattern {
  return {
    matchEnd(text, from, which) {
      let found = -1;
      visitMatches(pieces, { text, from }, (end) => {
        found = end;
        return which === 'shortest';
      });
      return found;
    },
    find: (text, from) => findLongestMatch(pieces, { text, from }),
  };
}

// BuildKit's patterns are regular expressions in which `.` takes no line feed.
const notLineFeed = { takes: (character: string) => character !== '\n', source: '[^\\n]' };

function toPieces(characters: readonly string[], invalid: (escape: string) => Error): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') pieces.push({ kind: 'many', ...notLineFeed });
    else if (character === '?') pieces.push({ kind: 'one', ...notLineFeed });
    else if (character !== '\\') pieces.push(...literal(character));
    else {
      at++;
      pieces.push(...literal(unescape(characters[at], invalid)));
    }
  }
  return pieces;
}

/** `}` and `/` are escaped for the sake of the surrounding `${…}`, the others for the pattern's. */
function unescape(character: string | undefined, invalid: (escape: string) => Error): string {
  if (character === undefined || !'}/*?\\'.includes(character)) throw invalid(`\\${character ?? ''}`);
  return character;
}

/** Replaces the first match from the left, the longest that begins there. */
export function replaceFirst(text: string, pattern: ShellPattern, replacement: string): string {
  const match = pattern.find(text, 0);
  return match === undefined ? text : text.slice(0, match.from) + replacement + text.slice(match.end);
}

/** Go's regexp.ReplaceAllString: an empty match counts unless it touches the end of the match before it. */
export function replaceAll(text: string, pattern: ShellPattern, replacement: string): string {
  let result = '';
  let copied = 0;
  let from = 0;
  while (from <= text.length) {
    const match = pattern.find(text, from);
    if (match === undefined) break;
    result += text.slice(copied, match.from);
    if (match.end > copied || match.from === 0) {
      result += fillTemplate(replacement, text.slice(match.from, match.end));
    }
    copied = match.end;
    from = match.end > from ? match.end : from + characterLength(text, from);
  }
  return result + text.slice(copied);
}

function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** Go expands `$0`, `$name`, `${name}` and `$$` in the replacement of all matches (not in that of the first one). */
function fillTemplate(replacement: string, match: string): string {
  return replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return '$';
    return /^0+$/.test(name) ? match : '';
  });
}
