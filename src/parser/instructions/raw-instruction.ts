import { TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import type { CheckOptions } from '../checks/check-options.js';
import type { Finding } from '../checks/finding.js';
import type { HeredocBody } from '../lines/heredoc.js';
import { isSpace } from '../white-space.js';
import type { LinePart } from './split-instruction.js';

/** An instruction taken apart, not yet understood. */
export interface RawInstruction {
  /** In capital letters. */
  readonly keyword: string;
  /** As written. */
  readonly writtenKeyword: string;
  readonly flags: readonly LinePart[];
  readonly args: LinePart;
  /** The logical line as it is. */
  readonly line: string;
  /** The logical line, trimmed. */
  readonly text: string;
  readonly escape: '\\' | '`';
  /** What the words of the shape `<<name` ask for, in their order. */
  readonly heredocs: readonly HeredocBody[];
  /** The whole instruction. */
  readonly source: SourceRange;
  /** Where a part of the logical line stands in the file. */
  readonly range: (part: Pick<LinePart, 'from' | 'to'>) => SourceRange;
  /** What a `check=…` among the comments asks for. */
  readonly check: CheckOptions | undefined;
  /** The comments above it, without their `#`. */
  readonly comments: readonly string[];
  readonly report: (finding: Finding) => void;
}

/** Where a word of the arguments stands that is in them as it is; otherwise all of the arguments. */
export function wordRange({ args, range }: RawInstruction, word: string): SourceRange {
  const { text, from } = args;
  const isEdge = (at: number): boolean => at < 0 || at >= text.length || isSpace(text.charAt(at));
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (isEdge(at - 1) && isEdge(at + word.length)) return range({ from: from + at, to: from + at + word.length });
  }
  return range(args);
}

/** `cannot parse <keyword>: <state>`. The source is the arguments' unless another is given. */
export function syntaxError(
  raw: RawInstruction,
  state: string,
  { hint, source }: { readonly hint: string; readonly source?: SourceRange },
): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse ${raw.keyword}: ${state}`, {
    hint,
    source: source ?? (raw.args.text === '' ? raw.source : raw.range(raw.args)),
  });
}
