/** A word of a shell script. */
export interface ShellWord {
  /** Without the quotes around its parts; variables stay as they are written. */
  readonly text: string;
  /** As written. */
  readonly raw: string;
}

/** A piece of a script: a word, an operator such as `&&`, or the end of a line. */
export type ShellToken =
  { readonly kind: 'word'; readonly word: ShellWord } | { readonly kind: 'operator'; readonly text: string };

const OPERATOR = /^(?:&&|\|\||;;|\|&|[;&|(){}\n])/;
const BLANK = /[ \t\r]/;
const REDIRECTION = /^\d*(?:>>|>\||>&|<&|&>>|&>|<>|<<<|>|<)/;
const HEREDOC = /^\d*<<(-?)[ \t]*(\S+)/;

/**
 * The tokens of a script, as far as POSIX shells agree on them: comments, redirections and the bodies of heredocs are left out, and
 * what is in quotes, `$(…)` or backquotes is part of its word. Takes any text; time is linear in it.
 */
export function shellTokens(script: string): readonly ShellToken[] {
  return new ShellReader(script).read();
}

class ShellReader {
  readonly #text: string;
  #at = 0;
  readonly #tokens: ShellToken[] = [];
  readonly #heredocs: { readonly name: string; readonly chomp: boolean }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly ShellToken[] {
    while (this.#at < this.#text.length) this.#step();
    return this.#tokens;
  }

  #step(): void {
    const rest = this.#text.slice(this.#at, this.#at + 80);
    const character = rest.charAt(0);
    if (BLANK.test(character)) this.#at++;
    else if (rest.startsWith('\\\n')) this.#at += 2;
    else if (character === '#') this.#at = this.#indexOf('\n', this.#at);
    else if (HEREDOC.test(rest)) this.#beginHeredoc(rest);
    else if (REDIRECTION.test(rest)) this.#skipRedirection(rest);
    else if (!this.#operator(rest)) this.#tokens.push({ kind: 'word', word: this.#readWord() });
  }

  #operator(rest: string): boolean {
    const [text] = OPERATOR.exec(rest) ?? [];
    // A brace is a word of its own, or part of one: `${x}` and `{a,b}` are read as words.
    if (text === undefined || (/[{}]/.test(text) && !/^[{}](?:[\s;)]|$)/.test(rest))) return false;
    this.#at += text.length;
    this.#tokens.push({ kind: 'operator', text });
    if (text === '\n') this.#skipHeredocs();
    return true;
  }

  #beginHeredoc(rest: string): void {
    const [all = '', dash, name = ''] = HEREDOC.exec(rest) ?? [];
    this.#heredocs.push({ name: name.replace(/["'\\]/g, ''), chomp: dash === '-' });
    this.#at += all.length;
  }

  #skipRedirection(rest: string): void {
    this.#at += (REDIRECTION.exec(rest)?.[0] ?? ' ').length;
    while (BLANK.test(this.#text.charAt(this.#at))) this.#at++;
    if (!/^[\n;&|()]?$/.test(this.#text.charAt(this.#at))) this.#readWord();
  }

  #skipHeredocs(): void {
    for (const { name, chomp } of this.#heredocs.splice(0)) {
      let line: string;
      do {
        const end = this.#indexOf('\n', this.#at);
        line = this.#text.slice(this.#at, end);
        this.#at = Math.min(end + 1, this.#text.length);
      } while ((chomp ? line.replace(/^\t+/, '') : line) !== name && this.#at < this.#text.length);
    }
  }

  #readWord(): ShellWord {
    const from = this.#at;
    let text = '';
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (/[ \t\r\n;&|()<>]/.test(character)) break;
      text += this.#readPart(character);
    }
    if (this.#at === from) text += this.#text.charAt(this.#at++);
    return { text, raw: this.#text.slice(from, this.#at) };
  }

  #readPart(character: string): string {
    if (character === "'" || character === '"' || character === '`') return this.#readQuoted(character);
    if (character === '$' && this.#text.charAt(this.#at + 1) === '(') return this.#readSubstitution();
    if (character !== '\\') {
      this.#at++;
      return character;
    }
    const escaped = this.#text.charAt(this.#at + 1);
    this.#at = Math.min(this.#at + 2, this.#text.length);
    return escaped === '\n' ? '' : escaped;
  }

  #readQuoted(quote: string): string {
    const from = this.#at + 1;
    let end = from;
    while (end < this.#text.length && this.#text.charAt(end) !== quote) {
      end += this.#text.charAt(end) === '\\' && quote !== "'" ? 2 : 1;
    }
    this.#at = Math.min(end + 1, this.#text.length);
    return this.#text.slice(from, end);
  }

  /** `$(…)`, to the parenthesis that closes it. */
  #readSubstitution(): string {
    const from = this.#at++;
    let depth = 0;
    do {
      const character = this.#text.charAt(this.#at++);
      if (character === '(') depth++;
      if (character === ')') depth--;
      if (character === "'" || character === '"') {
        this.#at--;
        this.#readQuoted(character);
      }
    } while (depth > 0 && this.#at < this.#text.length);
    return this.#text.slice(from, this.#at);
  }

  #indexOf(text: string, from: number): number {
    const found = this.#text.indexOf(text, from);
    return found < 0 ? this.#text.length : found;
  }
}
