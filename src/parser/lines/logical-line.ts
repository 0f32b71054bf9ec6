import type { SourceRange } from '../../support/source-range.js';
import type { HeredocBody } from './heredoc.js';
import { lastAtMost, type SourceText } from './source-text.js';

/** One instruction's text as BuildKit assembles it from physical lines, and the way back to where it stands in the file. */
export interface LogicalLine {
  /** Continuations joined, comments and empty lines between them dropped; the blanks of continuation lines are kept. */
  readonly text: string;
  readonly heredocs: readonly HeredocBody[];
  /** The last physical line of it, if there are empty ones among the continuation lines. */
  readonly endOfEmpty?: SourceRange;
  /** The comments above it, without their `#`, as far as the last empty one; blank lines do not divide them. */
  readonly comments: readonly string[];
  /** Where a part of `text` stands in the file. */
  range(from: number, to: number): SourceRange;
}

/** A piece of a logical line: what is left of one physical line. */
export interface LineSegment {
  readonly text: string;
  /** Offset in the file. */
  readonly from: number;
}

/** Maps offsets of the joined segments to offsets in the file. */
export function mapSegments(source: SourceText, segments: readonly LineSegment[]): LogicalLine['range'] {
  const starts: number[] = [];
  let length = 0;
  for (const segment of segments) {
    starts.push(length);
    length += segment.text.length;
  }
  const toOffset = (at: number): number => {
    const index = lastAtMost(starts, at);
    return (segments[index]?.from ?? 0) + at - (starts[index] ?? 0);
  };
  return (from, to) => source.range(toOffset(from), to > from ? toOffset(to - 1) + 1 : toOffset(from));
}
