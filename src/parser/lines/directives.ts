import { TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { quoted } from '../quoted.js';
import { skipSpace, trimSpace } from '../white-space.js';

const NAMES = ['syntax', 'escape', 'check'] as const;
export type DirectiveName = (typeof NAMES)[number];

export interface Directive {
  readonly name: DirectiveName;
  readonly value: string;
  readonly source: SourceRange;
}

/** `# name=value`, the name in lower case, or `undefined` where BuildKit reads an ordinary comment. */
export function readDirective(comment: string): Pick<Directive, 'name' | 'value'> | undefined {
  if (!comment.startsWith('#')) return undefined;
  const body = comment.slice(skipSpace(comment, 1));
  const match = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=/.exec(body);
  const name = NAMES.find((known) => known === match?.[1]?.toLowerCase());
  const value = trimSpace(body.slice(match?.[0].length));
  return name === undefined || value === '' ? undefined : { name, value };
}

/** The parser directives at the top of a file, in the order in which they stand there. */
export interface Directives {
  readonly found: ReadonlyMap<DirectiveName, Directive>;
  readonly escape: '\\' | '`';
  /** Whether the line is a directive. The first line that is none ends the search for the whole file. */
  accept(line: string, source: SourceRange): boolean;
}

export function createDirectives(): Directives {
  const found = new Map<DirectiveName, Directive>();
  let escape: '\\' | '`' = '\\';
  let done = false;
  return {
    found,
    get escape() {
      return escape;
    },
    accept(line, source) {
      const directive = done ? undefined : readDirective(line);
      if (directive === undefined) {
        done = true;
        return false;
      }
      if (found.has(directive.name)) throw duplicate(directive.name, source);
      found.set(directive.name, { ...directive, source });
      if (directive.name === 'escape') escape = toEscape(directive.value, source);
      return true;
    },
  };
}

function duplicate(name: DirectiveName, source: SourceRange): TsbuildError {
  return new TsbuildError('DOCKERFILE_SYNTAX', `cannot parse directive "${name}": it is given twice`, {
    source,
    hint: `Keep one "# ${name}=" line at the top of the file.`,
  });
}

function toEscape(value: string, source: SourceRange): '\\' | '`' {
  if (value === '\\' || value === '`') return value;
  throw new TsbuildError(
    'DOCKERFILE_SYNTAX',
    `cannot parse directive "escape": ${quoted(value)} is no escape character`,
    {
      source,
      hint: 'The escape character is either \\ or `.',
    },
  );
}
