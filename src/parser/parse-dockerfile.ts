import { isTsbuildError, TsbuildError } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import type { SourceRange } from '../support/source-range.js';
import { checkOfComments, type CheckOptions, NO_CHECK_OPTIONS, parseCheckDirective } from './checks/check-options.js';
import { ParseChecks } from './checks/parse-checks.js';
import { pastedCharacters } from './checks/pasted-character.js';
import type { ArgInstruction, Dockerfile, Instruction, Stage } from './instruction.js';
import { parseFrom, type StageStart } from './instructions/parse-from.js';
import { parseInstruction, triggerStart } from './instructions/parse-instruction.js';
import { type RawInstruction, syntaxError } from './instructions/raw-instruction.js';
import { splitInstruction } from './instructions/split-instruction.js';
import { locateKeywords } from './lines/keyword-ranges.js';
import type { LogicalLine } from './lines/logical-line.js';
import { type DockerfileLines, readLines } from './lines/read-lines.js';
import { createSourceText, type SourceText } from './lines/source-text.js';
import { readSyntax } from './lines/syntax.js';
import { quoted } from './quoted.js';

/**
 * Parses a whole Dockerfile with the meaning BuildKit gives it, and stops at its first error.
 * @param text As decoded from UTF-8; a byte order mark and CRLF line ends are understood.
 * @throws TsbuildError DOCKERFILE_SYNTAX, or DOCKERFILE_UNSUPPORTED for a file in another frontend's language; with a source
 * range and a hint.
 */
export function parseDockerfile(text: string, options: { readonly file: string }): Dockerfile {
  const { dockerfile, error } = readDockerfile(text, options);
  if (dockerfile !== undefined) return dockerfile;
  throw error;
}

/** A Dockerfile, or the first mistake in it; and what was found up to there. */
export type ReadDockerfile = Pick<Dockerfile, 'check' | 'warnings'> &
  (
    | { readonly dockerfile: Dockerfile; readonly error?: undefined }
    | { readonly dockerfile?: undefined; readonly error: TsbuildError }
  );

/** As `parseDockerfile`, with the error in the result. */
export function readDockerfile(text: string, options: { readonly file: string }): ReadDockerfile {
  const checks = new ParseChecks();
  let check = NO_CHECK_OPTIONS;
  try {
    const source = createSourceText(text, options.file);
    refuseBinary(source);
    const syntax = readSyntax(source);
    const read = readLines(source);
    check = toCheckOptions(read);
    const { globalArgs, starts } = groupByStage(read, { source, checks });
    const [first, ...others] = starts.map(toStage);
    if (first === undefined) throw noStage(source, read.lines.length > 0);
    const stages = [first, ...others] as const;
    checks.addOfStages(stages);
    const { escape } = read.directives;
    const warnings = checks.finish();
    const noted = { file: options.file, escape, ...(syntax !== undefined && { syntax }) };
    const dockerfile = { ...noted, globalArgs, stages, check, warnings };
    return { dockerfile, check, warnings };
  } catch (error) {
    if (!isTsbuildError(error)) throw error;
    return { error, check, warnings: checks.finish() };
  }
}

/**
 * The instruction that an ONBUILD of a base image asks for. Whatever the escape character of the file it came from, here it
 * is a backslash. All its ranges are `source`, the FROM that brings the trigger in.
 * @throws TsbuildError as `parseDockerfile` does.
 */
export function parseTrigger(trigger: string, source: SourceRange): Instruction {
  return parseTriggerAt(trigger, { source, range: () => source });
}

interface TriggerPlace {
  readonly source: SourceRange;
  /** Where a part of the trigger stands. */
  readonly range: (from: number, to: number) => SourceRange;
}

function parseTriggerAt(trigger: string, { source, range }: TriggerPlace): Instruction {
  const text = { ...createSourceText(trigger, source.file), range };
  refuseBinary(text);
  const { lines } = readLines(text);
  const [line, ...more] = lines;
  if (line === undefined || more.length > 0 || line.text.trim() === '') {
    const message = `cannot parse trigger ${quoted(trigger)}: it is not one instruction`;
    const hint = 'An ONBUILD holds one instruction; a base image with such a trigger must be built anew.';
    throw new TsbuildError('DOCKERFILE_SYNTAX', message, { source, hint });
  }
  const raw = toRaw(line, { keyword: source, escape: '\\', checks: new ParseChecks() });
  if (raw.keyword === 'FROM') {
    throw syntaxError(raw, 'no trigger can begin a stage', {
      hint: 'A base image with such a trigger must be built anew.',
    });
  }
  return parseLine(line, raw);
}

function refuseBinary({ text, range }: SourceText): void {
  const at = text.indexOf('\0');
  if (at === -1) return;
  throw new TsbuildError(
    'DOCKERFILE_SYNTAX',
    `cannot parse Dockerfile ${quoted(range(0, 0).file)}: it holds a NUL byte, so it is no text`,
    {
      source: range(at, at + 1),
      hint: 'Name the Dockerfile with -f; UTF-16 files must be saved as UTF-8.',
    },
  );
}

function toCheckOptions({ directives }: DockerfileLines): CheckOptions {
  const check = directives.found.get('check');
  return check === undefined ? NO_CHECK_OPTIONS : parseCheckDirective(check.value, check.source);
}

interface StageLines {
  readonly start: StageStart;
  readonly instructions: Instruction[];
}

function toStage({ start, instructions }: StageLines, index: number): Stage {
  return { ...start, index, instructions };
}

function groupByStage(
  { directives, lines, segments }: DockerfileLines,
  { source, checks }: { readonly source: SourceText; readonly checks: ParseChecks },
): { readonly globalArgs: readonly ArgInstruction[]; readonly starts: readonly StageLines[] } {
  const globalArgs: ArgInstruction[] = [];
  const starts: StageLines[] = [];
  const keywords = locateKeywords(source, segments);
  for (const [index, line] of lines.entries()) {
    const keyword = keywords[index];
    invariant(keyword !== undefined, 'every logical line has a keyword');
    const raw = toRaw(line, { keyword, escape: directives.escape, checks });
    if (raw.keyword === 'FROM') {
      starts.push({ start: explainPasted(raw, () => withCheck(parseFrom(raw), raw)), instructions: [] });
      continue;
    }
    const instruction = explainPasted(raw, () => parseLine(line, raw));
    const stage = starts.at(-1);
    if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.keyword === 'ARG') globalArgs.push(instruction);
    else throw beforeFrom(raw);
  }
  return { globalArgs, starts };
}

function toRaw(
  line: LogicalLine,
  context: { readonly keyword: SourceRange; readonly escape: '\\' | '`'; readonly checks: ParseChecks },
): RawInstruction {
  const { keyword, flags, args } = splitInstruction(line.text, context.escape);
  // The terminator of the last heredoc is the end of the instruction, to BuildKit, too.
  const end = line.heredocs.findLast(({ terminated }) => terminated)?.end ?? line.range(keyword.from, args.to).end;
  const source = { ...context.keyword, end };
  const check = checkOfComments(line.comments, source);
  if (line.endOfEmpty !== undefined) {
    const finding = { rule: 'NoEmptyContinuation', message: 'Empty continuation line' } as const;
    context.checks.add(finding, { source: line.endOfEmpty });
  }
  return {
    keyword: keyword.text.toUpperCase(),
    writtenKeyword: keyword.text,
    flags,
    args,
    line: line.text,
    text: line.text.slice(keyword.from, args.to),
    escape: context.escape,
    heredocs: line.heredocs,
    source,
    range: ({ from, to }) => line.range(from, to),
    comments: line.comments,
    check,
    report: (finding) => {
      context.checks.add(finding, { source, check });
    },
  };
}

function parseLine(line: LogicalLine, raw: RawInstruction): Instruction {
  const open = line.heredocs.find(({ terminated }) => !terminated);
  if (open !== undefined) {
    throw new TsbuildError(
      'DOCKERFILE_SYNTAX',
      `cannot parse ${raw.keyword}: heredoc ${quoted(open.name)} has no end`,
      {
        source: heredocRange(line, open.name) ?? raw.source,
        hint: `Write a line below that holds ${quoted(open.name)} alone, without blanks around it.`,
      },
    );
  }
  const instruction = withCheck(parseInstruction(raw), raw);
  // Whoever builds on the image will have it parsed again: what fails then should fail now.
  if (instruction.keyword === 'ONBUILD') parseTriggerAt(instruction.trigger, triggerPlace(line, raw));
  return instruction;
}

/** Of the word that names a heredoc; `undefined` where quotes or escapes hide the name. */
function heredocRange(line: LogicalLine, name: string): SourceRange | undefined {
  for (const { 0: operator, index } of line.text.matchAll(/<<-?\s*['"]?/g)) {
    const to = index + operator.length + name.length;
    if (line.text.slice(index + operator.length, to) === name) return line.range(index, to);
  }
  return undefined;
}

/** A trigger is the end of its line; of heredocs behind it, all that can be said is what they belong to. */
function triggerPlace(line: LogicalLine, { line: text, args, source }: RawInstruction): TriggerPlace {
  const start = triggerStart(text);
  return {
    source: line.range(args.from, args.to),
    range: (from, to) => (start + to <= text.length ? line.range(start + from, start + to) : source),
  };
}

/** A look-alike of an ASCII character is why a line cannot be parsed, whatever else the error says. */
function explainPasted<T>(raw: RawInstruction, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const [pasted] = isTsbuildError(error, 'DOCKERFILE_SYNTAX') ? pastedCharacters(raw.text) : [];
    if (pasted === undefined || !isTsbuildError(error)) throw error;
    const { code, message, source } = error;
    throw new TsbuildError(code, message, { source, hint: `Perhaps ${pasted.message}.`, cause: error.cause });
  }
}

function withCheck<T extends object>(parsed: T, { check }: RawInstruction): T & { readonly check?: CheckOptions } {
  return check === undefined ? parsed : { ...parsed, check };
}

function noStage({ range, start }: SourceText, hasInstructions: boolean): TsbuildError {
  const state = hasInstructions ? 'it has no FROM' : 'it has no instructions';
  return new TsbuildError(
    'DOCKERFILE_SYNTAX',
    `cannot parse Dockerfile ${quoted(range(start, start).file)}: ${state}`,
    {
      source: range(start, start),
      hint: 'Begin with "FROM image", or with "FROM scratch" for an empty image.',
    },
  );
}

function beforeFrom(raw: RawInstruction): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse ${raw.keyword}: no FROM stands before it`, {
    source: raw.source,
    hint: 'Begin with "FROM image"; only ARG may stand before it.',
  });
}
