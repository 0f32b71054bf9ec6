import type { SourcePosition, SourceRange } from '../../support/source-range.js';

const BYTE_ORDER_MARK = '\uFEFF';

/** Turns offsets into a file's text into lines and columns. A byte order mark is no column: no editor shows it. */
export interface SourceText {
  readonly text: string;
  /** Offset of the first character that is no byte order mark. */
  readonly start: number;
  readonly range: (from: number, to: number) => SourceRange;
}

export function createSourceText(text: string, file: string): SourceText {
  const start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const lineStarts = [start];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);

  const position = (offset: number): SourcePosition => {
    const line = lastAtMost(lineStarts, offset);
    return { line: line + 1, column: Math.max(offset - (lineStarts[line] ?? 0), 0) + 1 };
  };
  return { text, start, range: (from, to) => ({ file, start: position(from), end: position(to) }) };
}

/** Index of the last of the ascending `values` that is at most `wanted`; 0 if none is. */
export function lastAtMost(values: readonly number[], wanted: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((values[middle] ?? 0) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}
