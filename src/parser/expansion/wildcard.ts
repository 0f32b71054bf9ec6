/** Says of one character (a code point) whether a piece takes it. */
export type CharacterTest = (character: string) => boolean;

/**
 * A wildcard pattern in pieces. `one` takes a character; `many` any number of them; `directories` takes nothing, or
 * everything up to and including some slash. `source` says the same of one character as a regular expression.
 */
export type Piece =
  | { readonly kind: 'one' | 'many'; readonly takes: CharacterTest; readonly source: string }
  | { readonly kind: 'directories' };

export function literal(text: string): Piece[] {
  return Array.from(text, (wanted) => ({
    kind: 'one',
    takes: (character) => character === wanted,
    source: toSource(wanted),
  }));
}

export function toSource(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Of wildcards within a name. More than this, and a regular expression that backtracks may take too long. */
const MOST_WILDCARDS = 2;

/** Whether the pieces match a path or a directory that the path is in. */
export function toPathTest(pieces: readonly Piece[]): (path: string) => boolean {
  return toTest(pieces, { after: '(?:/|$)', endsAt: (path, end) => end === path.length || path[end] === '/' });
}

/** Whether the pieces match a path itself. */
export function toWholeTest(pieces: readonly Piece[]): (path: string) => boolean {
  return toTest(pieces, { after: '$', endsAt: (path, end) => end === path.length });
}

interface MatchEnd {
  /** As a regular expression. */
  readonly after: string;
  readonly endsAt: (path: string, end: number) => boolean;
}

function toTest(pieces: readonly Piece[], { after, endsAt }: MatchEnd): (path: string) => boolean {
  const wildcards = pieces.filter(({ kind }) => kind !== 'one');
  const crossing = wildcards.filter((piece) => piece.kind !== 'many' || piece.takes('/'));
  if (crossing.length <= 1 && wildcards.length - crossing.length <= MOST_WILDCARDS) {
    const pattern = new RegExp(`^${pieces.map(toPieceSource).join('')}(?<!^)${after}`, 'u');
    return (path) => pattern.test(path);
  }
  return (path) => {
    let matched = false;
    visitMatches(pieces, { text: path, from: 0 }, (end) => {
      matched = end > 0 && endsAt(path, end);
      return matched;
    });
    return matched;
  };
}

function toPieceSource(piece: Piece): string {
  if (piece.kind === 'directories') return '(?:[^]*/)?';
  return piece.kind === 'one' ? piece.source : `${piece.source}*`;
}

/**
 * Calls `visit` with each end offset, ascending, such that the pieces match `text.slice(from, end)` as a whole, until it
 * returns true. All ways to match are followed at once, so that the time is the product of the two lengths at worst,
 * however many wildcards there are: patterns come from files that nobody vouches for.
 */
export function visitMatches(
  pieces: readonly Piece[],
  subject: { readonly text: string; readonly from: number },
  visit: (end: number) => boolean,
): void {
  let active = new Set<number>();
  enter(pieces, 0, active);
  let at = subject.from;
  for (;;) {
    if (active.has(pieces.length) && visit(at)) return;
    if (at >= subject.text.length || active.size === 0) return;
    const character = String.fromCodePoint(subject.text.codePointAt(at) ?? 0);
    active = advance(pieces, active, character);
    at += character.length;
  }
}

/** Adds a piece that matching has just arrived at, and those behind it that may be reached by taking nothing. */
function enter(pieces: readonly Piece[], index: number, active: Set<number>): void {
  for (let next = index; ; next++) {
    active.add(next);
    const piece = pieces[next];
    if (piece === undefined || piece.kind === 'one') return;
  }
}

function advance(pieces: readonly Piece[], active: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>();
  for (const index of active) {
    const piece = pieces[index];
    if (piece === undefined) continue;
    if (piece.kind === 'directories') {
      next.add(index); // Not entered: what stands behind it begins after a slash only.
      if (character === '/') enter(pieces, index + 1, next);
    } else if (piece.takes(character)) {
      enter(pieces, piece.kind === 'one' ? index + 1 : index, next);
    }
  }
  return next;
}

/**
 * The match that begins first at or after `from`, the longest of those that begin there. All beginnings are followed at once,
 * each piece by the earliest that has got to it, so that the time is the product of the two lengths here too.
 */
export function findLongestMatch(
  pieces: readonly Piece[],
  { text, from }: { readonly text: string; readonly from: number },
): { readonly from: number; readonly end: number } | undefined {
  let best: { readonly from: number; readonly end: number } | undefined;
  let begun = new Map<number, number>();
  for (let at = from; ;) {
    if (best === undefined) enterFrom(pieces, { index: 0, start: at }, begun);
    const start = begun.get(pieces.length);
    if (start !== undefined && start <= (best?.from ?? start)) best = { from: start, end: at };
    if (at >= text.length || begun.size === 0) return best;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    begun = advanceFrom(pieces, { begun, latest: best?.from ?? at }, character);
    at += character.length;
  }
}

/** As `enter`, for a beginning; one that is there already is earlier. */
function enterFrom(
  pieces: readonly Piece[],
  { index, start }: { readonly index: number; readonly start: number },
  begun: Map<number, number>,
): void {
  for (let next = index; ; next++) {
    begun.set(next, Math.min(start, begun.get(next) ?? start));
    const piece = pieces[next];
    if (piece === undefined || piece.kind === 'one') return;
  }
}

function advanceFrom(
  pieces: readonly Piece[],
  { begun, latest }: { readonly begun: ReadonlyMap<number, number>; readonly latest: number },
  character: string,
): Map<number, number> {
  const next = new Map<number, number>();
  for (const [index, start] of begun) {
    const piece = pieces[index];
    if (piece === undefined || piece.kind === 'directories' || start > latest || !piece.takes(character)) continue;
    enterFrom(pieces, { index: piece.kind === 'one' ? index + 1 : index, start }, next);
  }
  return next;
}
