import { TsbuildError } from '../../support/errors.js';
import { skipSpace } from '../white-space.js';
import type { SourceText } from './source-text.js';

/** BuildKit reads lines through a buffer of 64 KiB. */
const LONGEST_LINE_BYTES = 65_535;

/** One line of the file; offsets are into the file. */
export interface PhysicalLine {
  /** Without the line's end, be it LF or CRLF. */
  readonly text: string;
  readonly from: number;
  /** Where the next line begins. */
  readonly next: number;
}

export function isComment(line: PhysicalLine): boolean {
  return line.text.charAt(skipSpace(line.text, 0)) === '#';
}

export function isBlank(line: PhysicalLine): boolean {
  return skipSpace(line.text, 0) === line.text.length;
}

/** The lines of a file, one after the other; `next` is `undefined` at the end. */
export interface PhysicalLines {
  next(): PhysicalLine | undefined;
  /** Where the next one begins. */
  at(): number;
}

/** @throws TsbuildError DOCKERFILE_SYNTAX for a line that is longer than BuildKit reads. */
export function readPhysicalLines(source: SourceText): PhysicalLines {
  let at = source.start;
  return {
    at: () => at,
    next() {
      if (at >= source.text.length) return undefined;
      const from = at;
      const lineFeed = source.text.indexOf('\n', from);
      const end = lineFeed === -1 ? source.text.length : lineFeed;
      at = lineFeed === -1 ? end : end + 1;
      checkLength(source, from, end);
      return { text: source.text.slice(from, withoutReturns(source.text, from, end)), from, next: at };
    },
  };
}

function withoutReturns(text: string, from: number, end: number): number {
  let last = end;
  while (last > from && text.charAt(last - 1) === '\r') last--;
  return last;
}

function checkLength(source: SourceText, from: number, end: number): void {
  if ((end - from) * 3 <= LONGEST_LINE_BYTES) return;
  const bytes = Buffer.byteLength(source.text.slice(from, end));
  if (bytes <= LONGEST_LINE_BYTES) return;
  throw new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse line: it is ${bytes} bytes long`, {
    source: source.range(from, end),
    hint: `A line holds at most ${LONGEST_LINE_BYTES} bytes; break it with a continuation, or COPY a file instead.`,
  });
}

/** The line without its continuation character, or `undefined` if it has none: escaped by itself it is none. */
export function withoutContinuation(text: string, escape: string): string | undefined {
  let end = text.length;
  while (end > 0 && (text.charAt(end - 1) === ' ' || text.charAt(end - 1) === '\t')) end--;
  if (text.charAt(end - 1) !== escape) return undefined;
  return end >= 2 && text.charAt(end - 2) === escape ? undefined : text.slice(0, end - 1);
}
