import type { SourcePosition, SourceRange } from '../../support/source-range.js';
import { ExpansionError } from '../expansion/expansion-error.js';
import { lex, type LexerOptions } from '../expansion/shell-lexer.js';

/** A heredoc word of an instruction: its body follows, up to a line that is the name. */
export interface HeredocWord {
  readonly name: string;
  /** `<<-`: tabs at the start of a line do not count, neither in the body nor before the terminator. */
  readonly chomp: boolean;
  /** No part of the name was quoted. */
  readonly expand: boolean;
}

/** A heredoc word with what follows the line it stands on. */
export interface HeredocBody extends HeredocWord {
  /** As it stands in the file, tabs and line ends included, without the terminator. */
  readonly content: string;
  readonly terminated: boolean;
  /** The lines of the content. */
  readonly source: SourceRange;
  /** Where the terminator ends. */
  readonly end: SourcePosition;
}

const unset = { env: () => undefined, escape: '\\', keepUnset: true } satisfies LexerOptions;

/**
 * The heredocs of a RUN, COPY or ADD, recognised as BuildKit does (parser.go, heredocsFromLine): words of the shape
 * `[fd]<<[-]name` that stand outside of quotes. Whatever the file's escape character is, here it is a backslash. A line that
 * cannot be split into words has none.
 */
export function findHeredocs(line: string): readonly HeredocWord[] {
  const words = lexOr(line, { ...unset, rawQuotes: true, rawEscapes: true }) ?? [];
  return words.map(parseHeredocWord).filter((word) => word !== undefined);
}

/** The heredoc that a text asks for, or `undefined` if it is not one such word. */
export function parseHeredocWord(text: string): HeredocWord | undefined {
  const [, dash, written = ''] = /^\d*<<(-?)[\t\n\f\r ]*([^<]*)$/.exec(text) ?? [];
  const names = lexOr(written, unset);
  const name = names?.length === 1 ? names[0] : undefined;
  if (name === undefined) return undefined;
  const [raw = ''] = lexOr(written, { ...unset, rawQuotes: true }) ?? [];
  return { name, chomp: dash === '-', expand: countQuotes(name) === countQuotes(raw) };
}

/** Those in the name itself count on both sides: `<<"it's"` is quoted all the same. */
function countQuotes(text: string): number {
  return text.replace(/[^'"]/g, '').length;
}

/** The content as COPY, and a RUN of nothing else, have it. */
export function chompedContent({ content, chomp }: Pick<HeredocBody, 'content' | 'chomp'>): string {
  return chomp ? content.replace(/(^|\n)\t+/g, '$1') : content;
}

/** A line and its heredocs, as text that a shell or another parse reads again. */
export function withHeredocs(line: string, heredocs: readonly HeredocBody[]): string {
  return [line, ...heredocs.map(({ content, name }) => content + name)].join('\n');
}

function lexOr(text: string, options: LexerOptions): readonly string[] | undefined {
  try {
    return lex(text, options).words;
  } catch (error) {
    if (error instanceof ExpansionError) return undefined;
    throw error;
  }
}
