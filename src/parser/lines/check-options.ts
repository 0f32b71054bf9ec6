import { TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { parseGoBoolean } from '../go-boolean.js';
import { quoted } from '../quoted.js';
import { trimSpace } from '../white-space.js';

/** What `# check=skip=A,B;error=true` asks for: rules that say nothing, and whether a warning fails the build. */
export interface CheckOptions {
  readonly skip: 'all' | readonly string[];
  readonly failOnWarning: boolean;
}

export const NO_CHECK_OPTIONS: CheckOptions = { skip: [], failOnWarning: false };

/** BuildKit's linter.ParseLintOptions. `experimental=` is accepted: none of the rules known here is experimental. */
export function parseCheckOptions(text: string, source: SourceRange): CheckOptions {
  let options = NO_CHECK_OPTIONS;
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    const key = trimSpace(part.slice(0, Math.max(at, 0)));
    const value = trimSpace(part.slice(at + 1));
    if (key === 'skip') options = { ...options, skip: value === 'all' ? 'all' : value.split(',').map(trimSpace) };
    else if (key === 'error') options = { ...options, failOnWarning: parseBoolean(value, source) };
    else if (key !== 'experimental') throw invalidOption(part, source);
  }
  return options;
}

function parseBoolean(text: string, source: SourceRange): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined) throw invalidOption(`error=${text}`, source);
  return value;
}

function invalidOption(option: string, source: SourceRange): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse check option ${quoted(option)}: it is not known`, {
    source,
    hint: 'Write "# check=skip=RuleA,RuleB;error=true", or "skip=all".',
  });
}
