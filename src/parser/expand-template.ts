import { TsbuildError } from '../support/errors.js';
import type { SourceRange } from '../support/source-range.js';
import { ExpansionError } from './expansion/expansion-error.js';
import { lex, type Lexed } from './expansion/shell-lexer.js';
import type { Heredoc, Template } from './instruction.js';
import { quoted } from './quoted.js';

export interface ExpansionOptions {
  /** The value of a variable, `undefined` if it is not set. */
  readonly env: (name: string) => string | undefined;
  readonly escape: '\\' | '`';
  /** Where the template stands, for errors: its instruction. */
  readonly source: SourceRange;
  /** The instruction's text: where it is on one line of the file, errors point at the template in it. */
  readonly within?: string;
}

export function asTemplate(text: string): Template {
  return text as Template;
}

/**
 * The template with its variables replaced, its quotes removed and its escapes resolved. A variable that is not set is
 * empty. Splits nothing: a value with blanks stays one value.
 * @throws TsbuildError DOCKERFILE_SYNTAX for a malformed `${…}` or an open quote, DOCKERFILE_SEMANTICS where `${name:?…}` asks
 * for it.
 */
export function expandTemplate(template: Template, options: ExpansionOptions): string {
  return lexTemplate(template, options).text;
}

/** As `expandTemplate`, split at white space outside of quotes, that of values included: for EXPOSE. */
export function expandWords(template: Template, options: ExpansionOptions): string[] {
  return [...lexTemplate(template, options).words];
}

/**
 * The content of a heredoc as COPY and ADD put it into a file: variables replaced, in quotes too, which are characters as any other. The escape character
 * is a backslash, whatever that of the Dockerfile is.
 * @throws as `expandTemplate`
 */
export function expandHeredoc({ content, expand, source }: Heredoc, { env }: Pick<ExpansionOptions, 'env'>): string {
  if (!expand) return content;
  return lexTemplate(asTemplate(content), { env, escape: '\\', source, plainQuotes: true }).text;
}

function lexTemplate(
  template: Template,
  { env, escape, source, within = '', plainQuotes = false }: ExpansionOptions & { readonly plainQuotes?: boolean },
): Lexed {
  try {
    return lex(template, { env, escape, plainQuotes });
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    const code = error.wanted ? 'DOCKERFILE_SEMANTICS' : 'DOCKERFILE_SYNTAX';
    throw new TsbuildError(code, `cannot expand ${quoted(template)}: ${error.message}`, {
      source: narrowed(source, within, template),
      hint: error.hint,
      cause: error,
    });
  }
}

/** A text that is joined from several lines has lost the way back to them. */
function narrowed(source: SourceRange, text: string, part: string): SourceRange {
  const { file, start, end } = source;
  const at = text.indexOf(part);
  if (at === -1 || part === '' || start.line !== end.line || end.column - start.column !== text.length) return source;
  const column = start.column + at;
  return { file, start: { ...start, column }, end: { ...end, column: column + part.length } };
}
