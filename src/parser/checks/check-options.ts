import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { parseGoBoolean } from '../go-boolean.js';
import { readDirective } from '../lines/directives.js';
import { quoted } from '../quoted.js';
import { trimSpace } from '../white-space.js';
import { findRule } from './rules.js';

/** What `# check=skip=A,B;error=true` asks for. */
export interface CheckOptions {
  /** Rules that say nothing. */
  readonly skip: 'all' | readonly string[];
  /** Rules that are off without this. */
  readonly experimental: 'all' | readonly string[];
  /** Whether a warning fails the build; without effect in the comment above an instruction. */
  readonly failOnWarning: boolean;
}

export const NO_CHECK_OPTIONS: CheckOptions = { skip: [], experimental: [], failOnWarning: false };

/** Whether a rule says anything, by what the file (or BUILDKIT_DOCKERFILE_CHECK) and the comment above the instruction ask for. */
export function isReported(rule: string, ...options: readonly (CheckOptions | undefined)[]): boolean {
  const isExperimental = findRule(rule)?.experimental === true;
  const named = options.some((one) => includesRule((isExperimental ? one?.experimental : one?.skip) ?? [], rule));
  return named === isExperimental;
}

function includesRule(rules: 'all' | readonly string[], rule: string): boolean {
  return rules === 'all' || rules.includes(rule);
}

/**
 * BuildKit's linter.ParseLintOptions.
 * @throws TsbuildError DOCKERFILE_SYNTAX
 */
export function parseCheckOptions(text: string, source?: SourceRange): CheckOptions {
  let options = NO_CHECK_OPTIONS;
  for (const part of text.trim() === '' ? [] : text.split(';')) {
    const at = part.indexOf('=');
    const key = trimSpace(part.slice(0, Math.max(at, 0)));
    const value = trimSpace(part.slice(at + 1));
    if (key === 'skip') options = { ...options, skip: parseRules(value) };
    else if (key === 'experimental') options = { ...options, experimental: parseRules(value) };
    else if (key === 'error') options = { ...options, failOnWarning: parseBoolean(value, source) };
    else throw invalidOption(part, source);
  }
  return options;
}

/** The value of a directive or comment: what follows a blank is no part of it. */
export function parseCheckDirective(value: string, source: SourceRange): CheckOptions {
  return parseCheckOptions(value.split(' ', 1)[0] ?? '', source);
}

/**
 * What the comments above an instruction ask for, without their `#`: the first that says `check=` counts, and one that cannot be
 * understood is a comment like any other.
 */
export function checkOfComments(comments: readonly string[], source: SourceRange): CheckOptions | undefined {
  const check = comments
    .map((comment) => readDirective(`#${comment}`))
    .find((directive) => directive?.name === 'check');
  if (check === undefined) return undefined;
  try {
    return parseCheckDirective(check.value, source);
  } catch (error) {
    if (isTsbuildError(error)) return undefined;
    throw error;
  }
}

function parseRules(value: string): 'all' | readonly string[] {
  return value === 'all' ? 'all' : value.split(',').map(trimSpace);
}

function parseBoolean(text: string, source: SourceRange | undefined): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined) throw invalidOption(`error=${text}`, source);
  return value;
}

function invalidOption(option: string, source: SourceRange | undefined): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse check option ${quoted(option)}: it is not known`, {
    source,
    hint: 'Write "# check=skip=RuleA,RuleB;error=true", or "skip=all".',
  });
}
