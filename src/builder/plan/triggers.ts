import type { Instruction } from '../../parser/instruction.js';
import { parseTrigger } from '../../parser/parse-dockerfile.js';
import { isTsbuildError, TsbuildError, type ErrorCode } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';

const FORBIDDEN: ReadonlySet<string> = new Set(['ONBUILD', 'MAINTAINER']);

/**
 * Reads an ONBUILD trigger of a base, which may have been written by anyone: exactly one instruction. It carries the range of
 * the FROM line, the one place of the user's own file that it comes from.
 * @throws `DOCKERFILE_SEMANTICS`, or the parser's code
 */
export function readTrigger(text: string, from: SourceRange): Instruction {
  const instruction = parse(text, from);
  if (!FORBIDDEN.has(instruction.keyword)) return instruction;
  throw invalidTrigger(text, from, { state: `${instruction.keyword} is not allowed in a trigger` });
}

function parse(text: string, from: SourceRange): Instruction {
  try {
    return parseTrigger(text, from);
  } catch (error) {
    if (!isTsbuildError(error)) throw error;
    throw invalidTrigger(text, from, { state: error.message, code: error.code, cause: error });
  }
}

interface Reason {
  readonly state: string;
  readonly code?: ErrorCode;
  readonly cause?: TsbuildError;
}

function invalidTrigger(text: string, source: SourceRange, reason: Reason): TsbuildError {
  const { state, code = 'DOCKERFILE_SEMANTICS', cause } = reason;
  return new TsbuildError(code, `cannot run ONBUILD trigger "${text.slice(0, 200)}": ${state}`, {
    hint: 'The trigger comes with what this FROM line names: correct it there, or build on something else.',
    source,
    cause,
  });
}
