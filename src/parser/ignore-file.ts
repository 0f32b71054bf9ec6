import { TsbuildError } from '../support/errors.js';
import type { SourceRange } from '../support/source-range.js';
import { cleanPath } from './clean-path.js';
import { literal, type Piece, toPathTest } from './expansion/wildcard.js';
import { createPatternReader, goMatch, parseGoPattern } from './go-match.js';
import { quoted } from './quoted.js';
import { trimSpace } from './white-space.js';

/** Which paths of a build context an ignore file leaves out. Paths are relative, with slashes and no `.` or `..` in them. */
export interface IgnoreMatcher {
  ignores(path: string): boolean;
  /** The pattern that decided that the path is left out; `undefined` when it is not. */
  ignoredBy(path: string): IgnorePattern | undefined;
  /** False if nothing below the directory can be in the context, so that it need not be read. */
  mayContainIncluded(directoryPath: string): boolean;
}

export interface IgnorePattern {
  /** As it is written. */
  readonly pattern: string;
  readonly source: SourceRange;
}

interface NumberedPattern {
  readonly pattern: string;
  readonly line: number;
}

/** The patterns of a .dockerignore file, cleaned as moby/patternmatcher's ignorefile.ReadAll does it; `!` stays in front. */
export function parseIgnoreFile(text: string): readonly string[] {
  return readPatterns(text).map(({ pattern }) => pattern);
}

function readPatterns(text: string): readonly NumberedPattern[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, index) => {
      // Only in column 0 does "#" begin a comment: " #x" is a pattern.
      const pattern = line.startsWith('#') ? '' : cleanPattern(trimSpace(line));
      return pattern === '' ? [] : [{ pattern, line: index + 1 }];
    });
}

function cleanPattern(pattern: string): string {
  const mark = pattern.startsWith('!') ? '!' : '';
  const path = trimSpace(pattern.slice(mark.length));
  return path === '' ? mark : mark + cleanPath(path).replace(/^\/(?=.)/s, '');
}

const MATCHES_NOTHING: IgnoreMatcher = {
  ignores: () => false,
  ignoredBy: () => undefined,
  mayContainIncluded: () => true,
};

/**
 * A matcher for the text of a .dockerignore file, with the pattern language of moby/patternmatcher (MatchesOrParentMatches):
 * the last pattern that matches a path or a parent of it decides.
 * @throws TsbuildError CONTEXT_INVALID for a malformed pattern.
 */
export function createIgnoreMatcher(text: string, options: { readonly file: string }): IgnoreMatcher {
  const rules = readPatterns(text).map((numbered) => toRule(numbered, options.file));
  if (rules.length === 0) return MATCHES_NOTHING;

  const decidedBy = (path: string): Rule | undefined => decidingRule(rules, path);
  const ignores = (path: string): boolean => decidedBy(path) !== undefined;
  const reincluded = rules.filter(({ includes }) => includes);
  return {
    ignores,
    ignoredBy: (path) => decidedBy(path)?.written,
    mayContainIncluded: (directoryPath) =>
      !ignores(directoryPath) || reincluded.some((rule) => mayMatchBelow(rule.pattern, directoryPath)),
  };
}

/** The last rule that took the path out, unless one after it brought it back. */
function decidingRule(rules: readonly Rule[], path: string): Rule | undefined {
  let deciding: Rule | undefined;
  for (const rule of rules) {
    if (rule.includes === (deciding !== undefined) && rule.matches(path)) deciding = rule.includes ? undefined : rule;
  }
  return deciding;
}

/** Which paths some patterns of the ignore-file language name, as `--exclude` and `--parents` do. */
export interface PathMatcher {
  /** Whether the last pattern that matches the path, or a directory that it is in, has no `!`. */
  matches(path: string): boolean;
  /** False if nothing below the directory can match. */
  mayMatchBelow(directoryPath: string): boolean;
  /** False if nothing below a directory that matches can be taken out again. */
  readonly hasExceptions: boolean;
}

/** @throws TsbuildError DOCKERFILE_SEMANTICS for a malformed pattern */
export function createPathMatcher(
  patterns: readonly string[],
  options: { readonly source?: SourceRange | undefined } = {},
): PathMatcher {
  const written = patterns.map((pattern) => ({ pattern, line: 0 })).filter(({ pattern }) => trimSpace(pattern) !== '');
  const rules = written.map((pattern) => {
    const rule = readRule(pattern, '');
    if (rule === null) throw malformedFlag(pattern.pattern, options.source);
    return rule;
  });
  const taking = rules.filter(({ includes }) => !includes);
  return {
    matches: (path) => decidingRule(rules, path) !== undefined,
    mayMatchBelow: (directory) =>
      taking.some((rule) => rule.matches(directory) || mayMatchBelow(rule.pattern, directory)),
    hasExceptions: rules.length > taking.length,
  };
}

interface Rule {
  readonly written: IgnorePattern;
  readonly pattern: string;
  /** It began with `!`. */
  readonly includes: boolean;
  /** Whether it matches the path or a directory that the path is in. */
  readonly matches: (path: string) => boolean;
}

function toRule(numbered: NumberedPattern, file: string): Rule {
  const rule = readRule(numbered, file);
  if (rule === null) throw malformed(numbered.pattern, { file, line: numbered.line });
  return rule;
}

/** `null` when it is malformed. */
function readRule({ pattern: written, line }: NumberedPattern, file: string): Rule | null {
  const cleaned = cleanPath(trimSpace(written)); // Once more, as patternmatcher.New does: of "/ a" it makes "a".
  const includes = cleaned.startsWith('!');
  const pattern = cleaned.slice(includes ? 1 : 0);
  if (pattern === '' || parseGoPattern(pattern) === null) return null;
  const source = rangeOf(written, { file, line });
  return { written: { pattern: written, source }, pattern, includes, matches: toTest(pattern) };
}

function rangeOf(pattern: string, { file, line }: { file: string; line: number }): SourceRange {
  return { file, start: { line, column: 1 }, end: { line, column: pattern.length + 1 } };
}

function malformedFlag(pattern: string, source: SourceRange | undefined): TsbuildError {
  return new TsbuildError('DOCKERFILE_SEMANTICS', `cannot use pattern ${quoted(pattern)}: it is malformed`, {
    source,
    hint: MALFORMED_HINT,
  });
}

const MALFORMED_HINT = 'Close every "[" with "]", end with no lone "\\", and let a pattern follow "!".';

function malformed(pattern: string, { file, line }: { file: string; line: number }): TsbuildError {
  return new TsbuildError('CONTEXT_INVALID', `cannot use ignore pattern ${quoted(pattern)}: it is malformed`, {
    source: rangeOf(pattern, { file, line }),
    hint: MALFORMED_HINT,
  });
}

function toTest(pattern: string): (path: string) => boolean {
  if (!/[*?[\]\\]/.test(pattern)) return (path) => path === pattern || path.startsWith(`${pattern}/`);
  return toPathTest(parseIgnorePattern(pattern));
}

const EVERYTHING: Piece = { kind: 'many', takes: () => true, source: '[^]' };

/** patternmatcher's compile: Go's filepath.Match, in which `**` crosses slashes. */
function parseIgnorePattern(pattern: string): readonly Piece[] {
  // "**.log" is a suffix of the whole path, and not as in "**/x*" a name below some directory.
  const suffix = /^\*\*([^*?[\]\\/][^*?[\]\\]*)$/.exec(pattern)?.[1];
  if (suffix !== undefined) return [EVERYTHING, ...literal(suffix)];
  const pieces: Piece[] = [];
  const reader = createPatternReader(pattern);
  while (!reader.atEnd()) {
    if (reader.skip('**')) {
      reader.skip('/');
      pieces.push(reader.atEnd() ? EVERYTHING : { kind: 'directories' });
    } else {
      const piece = reader.next();
      if (piece !== null) pieces.push(piece);
    }
  }
  return pieces;
}

/** Whether a path below the directory could match, compared name by name; in doubt, yes. */
function mayMatchBelow(pattern: string, directoryPath: string): boolean {
  const names = directoryPath.split('/');
  const patterns = pattern.split('/');
  for (const [index, name] of names.entries()) {
    const wanted = patterns[index];
    if (wanted === undefined) return false;
    // A class or an escaped character may stand for a slash, as `**` does.
    if (wanted.includes('**') || /[[\]\\]/.test(pattern)) return true;
    if (!goMatch(wanted, name)) return false;
  }
  return patterns.length > names.length;
}
