import { DockerfileParser } from 'dockerfile-ast';
import { invariant } from '../../support/invariant.js';
import type { SourceRange } from '../../support/source-range.js';
import { isSeparator, skipSpace } from '../white-space.js';
import type { LineSegment } from './logical-line.js';
import type { SourceText } from './source-text.js';

/**
 * Where the keyword of each logical line stands, even if it is broken by a continuation. dockerfile-ast finds the
 * instructions, in a copy of the file in which every offset is kept and all that it reads differently from BuildKit is
 * masked: comments, directives, heredoc bodies, arguments, another escape character than the backslash.
 */
export function locateKeywords(source: SourceText, lines: readonly (readonly LineSegment[])[]): readonly SourceRange[] {
  const masked = maskText(source.text, lines);
  const instructions = DockerfileParser.parse(masked).getInstructions();
  invariant(instructions.length === lines.length, 'dockerfile-ast and the line reader disagree on the instructions');
  const lineStarts = [0];
  for (let at = masked.indexOf('\n'); at !== -1; at = masked.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return instructions.map((instruction) => {
    const { start, end } = instruction.getInstructionRange();
    return source.range((lineStarts[start.line] ?? 0) + start.character, (lineStarts[end.line] ?? 0) + end.character);
  });
}

function maskText(text: string, lines: readonly (readonly LineSegment[])[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const segments of lines) {
    for (const [index, part] of maskLine(segments).entries()) {
      const from = segments[index]?.from ?? at;
      parts.push(blank(text.slice(at, from)), part);
      at = from + part.length;
    }
  }
  return parts.join('') + blank(text.slice(at));
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/**
 * Keeps the keyword and the continuations after its first character; of the arguments only that there are some, on each line
 * that has some: dockerfile-ast takes time that grows with the square of what it sees of them.
 */
function maskLine(segments: readonly LineSegment[]): readonly string[] {
  const joined = segments.map(({ text }) => text).join('');
  const from = skipSpace(joined, 0);
  let to = from;
  while (to < joined.length && !isSeparator(joined.charAt(to))) to++;
  const keyword = joined.slice(from, to).replace(/[^A-Za-z]/g, '_');

  let at = 0;
  return segments.map(({ text }, index) => {
    const start = at;
    at += text.length;
    const shown = keyword.slice(Math.max(start - from, 0), Math.max(at - from, 0));
    const beforeArguments = ' '.repeat(Math.min(Math.max(from - start, 0), text.length)) + shown;
    const blanks = skipSpace(text, beforeArguments.length) - beforeArguments.length;
    const mark = beforeArguments.length + blanks < text.length ? '_' : '';
    const part = (beforeArguments + ' '.repeat(blanks) + mark).padEnd(text.length);
    return index < segments.length - 1 && at > from ? `${part}\\` : part;
  });
}
