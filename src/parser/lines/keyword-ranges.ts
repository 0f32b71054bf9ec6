import { DockerfileParser } from 'dockerfile-ast';
import { invariant } from '../../support/invariant.js';
import type { SourceRange } from '../../support/source-range.js';
import { isSeparator, skipSpace } from '../white-space.js';
import type { LineSegment } from './logical-line.js';
import type { SourceText } from './source-text.js';

/**
 * Where the keyword of each logical line stands, even if it is broken by a continuation. dockerfile-ast finds the instructions,
 * in an extract of the file that has of each no more than the lines its keyword stands on, with letters of no meaning: whatever
 * that library reads differently from BuildKit, or slowly, it never sees.
 */
export function locateKeywords(source: SourceText, lines: readonly (readonly LineSegment[])[]): readonly SourceRange[] {
  const extract = lines.flatMap(extractLine);
  const text = extract.map((line) => line.text).join('\n');
  const instructions = DockerfileParser.parse(text).getInstructions();
  invariant(instructions.length === lines.length, 'dockerfile-ast and the line reader disagree on the instructions');
  const toOffset = ({ line, character }: { readonly line: number; readonly character: number }): number =>
    (extract[line]?.from ?? 0) + character;
  return instructions.map((instruction) => {
    const { start, end } = instruction.getInstructionRange();
    return source.range(toOffset(start), toOffset(end));
  });
}

/** The physical lines from that on which the keyword begins to that on which it ends, each as long as it has to be. */
function extractLine(segments: readonly LineSegment[]): readonly LineSegment[] {
  const joined = segments.map(({ text }) => text).join('');
  const from = skipSpace(joined, 0);
  let to = from;
  while (to < joined.length && !isSeparator(joined.charAt(to))) to++;

  const extract: LineSegment[] = [];
  let at = 0;
  for (const segment of segments) {
    const start = at;
    at += segment.text.length;
    if (at <= from) continue;
    const shown = ' '.repeat(Math.max(from - start, 0)) + 'x'.repeat(Math.min(at, to) - Math.max(start, from));
    extract.push({ text: at < to ? `${shown}\\` : shown, from: segment.from });
    if (at >= to) break;
  }
  return extract;
}
