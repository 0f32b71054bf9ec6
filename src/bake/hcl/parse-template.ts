import type { Cursor } from './cursor.js';
import type { Expression } from './expression.js';
import { assembleTemplate, type Token } from './template-tokens.js';
import { parseExpression, parseForNames, takeWord } from './parse-expression.js';
import { Cursor as TextCursor } from './cursor.js';
import type { SourceText } from '../source-text.js';

/** Text between quotes, which may have `${…}` and `%{…}` in it. */
export function parseQuoted(cursor: Cursor): Expression {
  const start = cursor.offset;
  cursor.take('"');
  const tokens = readTokens(cursor, { ends: (at) => at.startsWith('"'), escapes: true });
  cursor.expect('"', 'at the end of the text');
  return assembleTemplate(tokens, cursor.span(start));
}

/** `<<END` and `<<-END`: lines up to the one that is END; with the dash, without what they are all indented by. */
export function parseHeredoc(cursor: Cursor): Expression {
  const start = cursor.offset;
  cursor.take('<<');
  const indented = cursor.take('-');
  const marker = cursor.takeIdentifier();
  if (marker === undefined || cursor.match(/\r?\n/y) === undefined) {
    throw cursor.error('a word and an end of line are missing behind "<<"', start);
  }
  const isEnd = (at: Cursor): boolean => atLineStart(at) && endOfHeredoc(at, marker) !== undefined;
  const tokens = readTokens(cursor, { ends: isEnd, escapes: false });
  const end = endOfHeredoc(cursor, marker);
  if (end === undefined) throw cursor.error(`the text has no end: no line is "${marker}"`, start);
  cursor.offset = end;
  return assembleTemplate(indented ? withoutIndent(tokens) : tokens, cursor.span(start));
}

/** The whole text of a string of a JSON file. */
export function parseTemplateText(source: SourceText): Expression {
  const cursor = new TextCursor(source);
  const tokens = readTokens(cursor, { ends: (at) => at.isAtEnd, escapes: false });
  return assembleTemplate(tokens, cursor.span(0));
}

function atLineStart({ source, offset }: Cursor): boolean {
  return offset === 0 || source.text.charAt(offset - 1) === '\n';
}

/** Where the marker on this line ends. */
function endOfHeredoc({ source, offset }: Cursor, marker: string): number | undefined {
  let at = offset;
  while (source.text.charAt(at) === ' ' || source.text.charAt(at) === '\t') at += 1;
  if (!source.text.startsWith(marker, at)) return undefined;
  const end = at + marker.length;
  return end === source.text.length || /^[ \t]*(?:\r?\n|$)/.test(source.text.slice(end, end + 200)) ? end : undefined;
}

interface Reading {
  readonly ends: (cursor: Cursor) => boolean;
  /** Whether a backslash means anything. */
  readonly escapes: boolean;
}

/** Literal text a line at a time. */
function readTokens(cursor: Cursor, reading: Reading): Token[] {
  const tokens: Token[] = [];
  let literal = '';
  let start = cursor.offset;
  const flush = (): void => {
    if (literal !== '') tokens.push({ kind: 'literal', text: literal, span: cursor.span(start) });
    literal = '';
    start = cursor.offset;
  };
  while (!cursor.isAtEnd && !reading.ends(cursor)) {
    if (cursor.startsWith('${') || cursor.startsWith('%{')) {
      flush();
      tokens.push(readSequence(cursor));
      start = cursor.offset;
      continue;
    }
    const piece = readPiece(cursor, reading);
    literal += piece;
    if (piece === '\n') flush();
  }
  flush();
  return tokens;
}

const PLAIN = /[^"\\$%\n\r]+/y;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

function readPiece(cursor: Cursor, { escapes }: Reading): string {
  if (cursor.take('$${')) return '${';
  if (cursor.take('%%{')) return '%{';
  const plain = cursor.match(PLAIN);
  if (plain !== undefined) return plain;
  const start = cursor.offset;
  const character = cursor.peek();
  if (!escapes || (character !== '\\' && character !== '\n')) {
    cursor.offset += 1;
    return character;
  }
  if (character === '\n')
    throw cursor.error('the text has no end on this line', start, 'Use <<END for text of several lines.');
  cursor.offset += 1;
  return readEscape(cursor, start);
}

function readEscape(cursor: Cursor, start: number): string {
  const code = cursor.match(/u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}/y)?.slice(1);
  if (code !== undefined && Number.parseInt(code, 16) <= 0x10ffff)
    return String.fromCodePoint(Number.parseInt(code, 16));
  const meant = ESCAPED[cursor.peek()];
  cursor.offset += 1;
  if (meant === undefined) throw cursor.error('no such escape', start, 'Write \\\\ for a backslash.');
  return meant;
}

/** `${expression}` or `%{directive}`. */
function readSequence(cursor: Cursor): Token {
  const start = cursor.offset;
  const isDirective = cursor.peek() === '%';
  cursor.offset += 2;
  const trimsBefore = cursor.take('~');
  const token = cursor.within(true, () => {
    const parsed = isDirective
      ? readDirective(cursor)
      : { kind: 'expression' as const, expression: parseExpression(cursor) };
    cursor.skipBlank();
    return parsed;
  });
  const trimsAfter = cursor.take('~');
  cursor.expect('}', `behind what begins with "${isDirective ? '%' : '$'}{"`);
  return { ...token, trimsBefore, trimsAfter, span: cursor.span(start) };
}

type Sequence<T = Token> = T extends { readonly trimsBefore: boolean }
  ? Omit<T, 'trimsBefore' | 'trimsAfter' | 'span'>
  : never;

function readDirective(cursor: Cursor): Sequence {
  if (takeWord(cursor, 'if')) return { kind: 'if', condition: parseExpression(cursor) };
  for (const kind of ['else', 'endif', 'endfor'] as const) {
    if (takeWord(cursor, kind)) return { kind };
  }
  if (cursor.startsWith('for')) return { kind: 'for', names: parseForNames(cursor) };
  throw cursor.error(
    'no such directive',
    cursor.offset,
    'There are if, else, endif, for and endfor; write %%{ for the text %{.',
  );
}

/** Lines of nothing but blanks do not count. */
function withoutIndent(tokens: readonly Token[]): readonly Token[] {
  const starts = lineStarts(tokens);
  const widths = [...starts].map((token) => (token.kind === 'literal' ? widthOf(token.text) : 0));
  const least = Math.min(...widths.filter((width) => width >= 0));
  if (!Number.isFinite(least) || least === 0) return tokens;
  return tokens.map((token) =>
    token.kind === 'literal' && starts.has(token) && widthOf(token.text) >= 0
      ? { ...token, text: token.text.slice(least) }
      : token,
  );
}

/** How far text is indented; -1 for a blank line. */
function widthOf(text: string): number {
  const width = text.length - text.trimStart().length;
  return width === text.length && text.endsWith('\n') ? -1 : width;
}

function lineStarts(tokens: readonly Token[]): ReadonlySet<Token> {
  const starts = new Set<Token>();
  let isStart = true;
  for (const token of tokens) {
    if (isStart) starts.add(token);
    isStart = token.kind === 'literal' && token.text.endsWith('\n');
  }
  return starts;
}
