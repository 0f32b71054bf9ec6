import type { SourceRange } from '../../support/source-range.js';
import { escapeControls } from '../text/terminal-text.js';

const RULE = '--------------------';

/** Lines of a source with those around them, the way BuildKit prints them (solver/errdefs/source.go): tools read it. */
export function sourceExcerpt({ file, start, end }: SourceRange, text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const last = Math.min(lastLine({ start, end }), lines.length);
  const { from, to } = surroundings(start.line, last, lines.length);
  const shown = lines.slice(from - 1, to).map((line, index) => {
    const number = from + index;
    const mark = number >= start.line && number <= last ? '>>>' : '   ';
    return ` ${String(number).padStart(3)} | ${mark} ${escapeControls(line.replace(/\r$/, ''))}`;
  });
  return [`${escapeControls(file)}:${start.line}`, RULE, ...shown, RULE];
}

/** The number of the last line of a range, which is half-open. */
export function lastLine({ start, end }: Pick<SourceRange, 'start' | 'end'>): number {
  return Math.max(start.line, end.column <= 1 ? end.line - 1 : end.line);
}

/** Two lines on either side of one, one of several; at an end of the file more on the other side. */
function surroundings(first: number, last: number, count: number): { readonly from: number; readonly to: number } {
  const wanted = first === last ? 4 : 2;
  let [from, to] = [first, last];
  for (let padded = 0; padded < wanted; padded++) {
    if (from > 1) {
      from--;
      padded++;
    }
    if (to < count) {
      to++;
      padded++;
    }
  }
  return { from, to };
}
