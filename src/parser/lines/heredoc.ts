import { ExpansionError, lex, type LexerOptions } from '../expansion/shell-lexer.js';

/** A heredoc word of an instruction: its body follows, up to a line that is the name. */
export interface HeredocWord {
  readonly name: string;
  /** `<<-`: tabs before the terminator do not count. */
  readonly chomp: boolean;
}

const unset = { env: () => undefined, escape: '\\', keepUnset: true } satisfies LexerOptions;

/**
 * The heredocs of a RUN, COPY or ADD, recognised as BuildKit does (parser.go, heredocsFromLine): words of the shape
 * `[fd]<<[-]name` that stand outside of quotes. Whatever the file's escape character is, here it is a backslash. A line that
 * cannot be split into words has none.
 */
export function findHeredocs(line: string): readonly HeredocWord[] {
  const words = lexOr(line, { ...unset, rawQuotes: true, rawEscapes: true }) ?? [];
  return words.flatMap((word) => {
    const match = /^\d*<<(-?)[\t\n\f\r ]*([^<]*)$/.exec(word);
    const names = lexOr(match?.[2] ?? '', unset);
    const name = names?.length === 1 ? names[0] : undefined;
    return name === undefined ? [] : [{ name, chomp: match?.[1] === '-' }];
  });
}

function lexOr(text: string, options: LexerOptions): readonly string[] | undefined {
  try {
    return lex(text, options).words;
  } catch (error) {
    if (error instanceof ExpansionError) return undefined;
    throw error;
  }
}
