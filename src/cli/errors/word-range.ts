import type { SourceRange } from '../../support/source-range.js';

/**
 * Where in a range of a text a word stands: between blanks, quotes, slashes and the signs of flags and lists. A word that is not
 * there as it was written, such as the value of a variable, leaves the range as it is.
 */
export function wordRange(range: SourceRange, text: string, word: string): SourceRange {
  const { file, start, end } = range;
  if (word === '') return range;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (let line = start.line; line <= Math.min(end.line, lines.length); line++) {
    const from = line === start.line ? start.column - 1 : 0;
    const to = line === end.line ? end.column - 1 : undefined;
    const at = indexOfWord((lines[line - 1] ?? '').slice(from, to), word);
    if (at === undefined) continue;
    const column = from + at + 1;
    return { file, start: { line, column }, end: { line, column: column + word.length } };
  }
  return range;
}

const BEFORE = /[\s"'=,:/[]/;
const AFTER = /[\s"',:/\]\\]/;

function indexOfWord(line: string, word: string): number | undefined {
  for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
    const [before = ' ', after = ' '] = [line[at - 1], line[at + word.length]];
    if (BEFORE.test(before) && AFTER.test(after)) return at;
  }
  return undefined;
}
