import { TsbuildError } from '../../support/errors.js';
import { parseStringArray } from '../instructions/values/json-array.js';
import { type SplitInstruction, splitInstruction } from '../instructions/split-instruction.js';
import { skipSpace, trimSpace } from '../white-space.js';
import { createDirectives, type Directives } from './directives.js';
import { findHeredocs, type HeredocBody, type HeredocWord } from './heredoc.js';
import { type LineSegment, type LogicalLine, mapSegments } from './logical-line.js';
import {
  isBlank,
  isComment,
  type PhysicalLine,
  type PhysicalLines,
  readPhysicalLines,
  withoutContinuation,
} from './physical-line.js';
import type { SourceText } from './source-text.js';

export interface DockerfileLines {
  readonly directives: Directives;
  readonly lines: readonly LogicalLine[];
  /** The pieces of each logical line, for the mask. */
  readonly segments: readonly (readonly LineSegment[])[];
}

/**
 * The physical-line pass of BuildKit's parser (parser.go, Parse): directives, comments, continuations and heredoc bodies.
 * @throws TsbuildError DOCKERFILE_SYNTAX
 */
export function readLines(source: SourceText): DockerfileLines {
  const directives = createDirectives();
  const lines: LogicalLine[] = [];
  const segments: (readonly LineSegment[])[] = [];
  const input = readPhysicalLines(source);
  let comments: string[] = [];
  for (let line = input.next(); line !== undefined; line = input.next()) {
    const start = skipSpace(line.text, 0);
    const text = line.text.slice(start);
    const end = line.from + line.text.length;
    if (directives.accept(text, source.range(line.from + start, end))) continue;
    if (text.startsWith('#')) addComment(comments, line.text);
    if (text === '' || text.startsWith('#')) continue;
    const reading = { source, input, escape: directives.escape };
    const joined = joinContinuations({ text, from: line.from + start, next: line.next }, reading);
    lines.push(toLogicalLine(joined, reading, comments));
    segments.push(joined.segments);
    comments = [];
  }
  return { directives, lines, segments };
}

/** BuildKit cuts the first character off, which is a blank where the comment is indented. An empty one begins anew. */
function addComment(comments: string[], line: string): void {
  const comment = trimSpace(line.slice(1));
  if (comment === '') comments.length = 0;
  else comments.push(comment);
}

interface Reading {
  readonly source: SourceText;
  readonly input: PhysicalLines;
  readonly escape: string;
}

interface Joined {
  readonly segments: readonly LineSegment[];
  /** The last line, if one before it is empty. */
  readonly endOfEmpty: PhysicalLine | undefined;
}

function joinContinuations(first: PhysicalLine, { input, escape }: Reading): Joined {
  const segments: LineSegment[] = [];
  let hasEmpty = false;
  let last = first;
  for (let line: PhysicalLine | undefined = first; line !== undefined; line = input.next()) {
    last = line;
    if (line !== first && isComment(line)) continue;
    if (line !== first && isBlank(line)) {
      hasEmpty = true;
      continue;
    }
    const continued = withoutContinuation(line.text, escape);
    segments.push({ text: continued ?? line.text, from: line.from });
    if (continued === undefined) break;
  }
  return { segments, endOfEmpty: hasEmpty ? last : undefined };
}

function toLogicalLine({ segments, endOfEmpty }: Joined, reading: Reading, comments: readonly string[]): LogicalLine {
  const { source, escape } = reading;
  const text = segments.map((segment) => segment.text).join('');
  if (trimSpace(text) === '') throw nothingToContinue(source, segments, escape);
  const heredocs = mayHoldHeredocs(text, escape) ? findHeredocs(text) : [];
  return {
    text,
    heredocs: heredocs.map((word) => readBody(word, reading)),
    ...(endOfEmpty !== undefined && {
      endOfEmpty: source.range(endOfEmpty.from, endOfEmpty.from + endOfEmpty.text.length),
    }),
    comments,
    range: mapSegments(source, segments),
  };
}

function nothingToContinue(source: SourceText, segments: readonly LineSegment[], escape: string): TsbuildError {
  const from = segments[0]?.from ?? 0;
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse "${escape}": no instruction stands before or behind it`, {
    source: source.range(from, from + 1),
    hint: 'Delete the line, or move the character to the end of the line that goes on.',
  });
}

const HOLDERS = ['RUN', 'COPY', 'ADD'];

function mayHoldHeredocs(text: string, escape: string): boolean {
  if (!text.includes('<<')) return false;
  let instruction: SplitInstruction = splitInstruction(text, escape);
  if (instruction.keyword.text.toUpperCase() === 'ONBUILD')
    instruction = splitInstruction(instruction.args.text, escape);
  return (
    HOLDERS.includes(instruction.keyword.text.toUpperCase()) && parseStringArray(instruction.args.text) === undefined
  );
}

function readBody(word: HeredocWord, { source, input }: Reading): HeredocBody {
  const from = input.at();
  let to = from;
  let end = from;
  let terminated = false;
  for (let line = input.next(); line !== undefined; line = input.next()) {
    terminated = (word.chomp ? line.text.replace(/^\t+/, '') : line.text) === word.name;
    end = line.from + line.text.length;
    if (terminated) break;
    to = line.next;
  }
  const content = source.text.slice(from, to);
  return { ...word, content, terminated, source: source.range(from, to), end: source.range(from, end).end };
}
