import { findSpace, skipSpace } from '../white-space.js';
import {
  invalidPattern,
  missing,
  noName,
  notGiven,
  openQuote,
  tooDeep,
  tooLong,
  tooMuchWork,
  unsupportedModifier,
} from './expansion-error.js';
import { parseReversedShellPattern, parseShellPattern, replaceAll, replaceFirst } from './shell-pattern.js';

/** How BuildKit's shell lexer (frontend/dockerfile/shell/lex.go) is to read a text. */
export interface LexerOptions {
  readonly env: (name: string) => string | undefined;
  readonly escape: '\\' | '`';
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Quotes are characters as any other. */
  readonly plainQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** References to variables that are not set stay as they are. */
  readonly keepUnset?: boolean;
}

export interface Lexed {
  readonly text: string;
  /** The text split at white space that is neither quoted nor escaped; variables are split too. */
  readonly words: readonly string[];
}

/** @throws ExpansionError */
export function lex(text: string, options: LexerOptions): Lexed {
  return new ShellLexer(text, options).lexUntil(undefined, options.rawEscapes ?? false);
}

const DEEPEST = 200;
/** Characters of a result: a few lines that each double a variable would fill any memory. */
const LONGEST = 16 << 20;
/** Characters of a pattern times those of the value it is matched with. */
const MOST_WORK = 1 << 24;
// All digits of `$10` are its name; the other special parameters are one character. None of them is ever set.
const SPECIAL_PARAMETER = /^[@*#?$!-]/;

/** Characters that some text of a Dockerfile gives a meaning. */
const MEANINGFUL = `$<'"\\\`}/`;

/** The words of one text. An empty quoted string makes no word: BuildKit counts characters only. */
class Words {
  readonly #done: string[] = [];
  #current = '';

  addRaw(text: string): void {
    this.#current += text;
  }

  addSplit(text: string): void {
    for (let at = 0; ;) {
      const end = findSpace(text, at);
      this.#current += text.slice(at, end);
      if (end === text.length) return;
      this.#finishWord();
      at = skipSpace(text, end);
    }
  }

  /** BuildKit lexes the word in `${name:-word}` in the same buffer, and so loses what stood before it in this word. */
  dropCurrent(): void {
    this.#current = '';
  }

  finish(): readonly string[] {
    this.#finishWord();
    return this.#done;
  }

  #finishWord(): void {
    if (this.#current !== '') this.#done.push(this.#current);
    this.#current = '';
  }
}

class ShellLexer {
  readonly #text: string;
  readonly #options: LexerOptions;
  #at = 0;
  #depth = 0;
  #rawEscapes = false;
  /** How many texts and words in `${…}` have been read to their ends. */
  #lexed = 0;

  constructor(text: string, options: LexerOptions) {
    this.#text = text;
    this.#options = options;
  }

  /** Reads up to and over `stop`, or to the end of the text. */
  lexUntil(stop: string | undefined, rawEscapes: boolean): Lexed {
    if (++this.#depth > DEEPEST) throw tooDeep(DEEPEST);
    const outer = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    const words = new Words();
    let text = '';
    for (;;) {
      const character = this.#peek();
      if (character === stop) break;
      if (character === undefined) throw missing(stop ?? '');
      const before = this.#lexed;
      const read = this.#readPiece(character);
      if (this.#lexed > before) words.dropCurrent();
      if (read.split) words.addSplit(read.text);
      else words.addRaw(read.text);
      text += read.text;
      if (text.length > LONGEST) throw tooLong();
    }
    this.#at++;
    this.#rawEscapes = outer;
    this.#depth--;
    this.#lexed++;
    return { text, words: words.finish() };
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #take(): string | undefined {
    return this.#text[this.#at++];
  }

  #readPiece(character: string): { readonly text: string; readonly split: boolean } {
    switch (this.#options.plainQuotes === true ? character.replace(/['"]/, '') : character) {
      case '$':
        return { text: this.#readVariable(), split: true };
      case '<':
        return { text: this.#readHeredocOperator(), split: false };
      case "'":
        return { text: this.#readSingleQuoted(), split: false };
      case '"':
        return { text: this.#readDoubleQuoted(), split: false };
      case this.#options.escape:
        this.#at++;
        return { text: (this.#rawEscapes ? character : '') + (this.#take() ?? ''), split: false };
      default:
        return { text: this.#readPlain(), split: true };
    }
  }

  /** As many characters as mean nothing to the lexer, or else the one that is next. */
  #readPlain(): string {
    const from = this.#at;
    do this.#at++;
    while (this.#at < this.#text.length && !MEANINGFUL.includes(this.#text.charAt(this.#at)));
    return this.#text.slice(from, this.#at);
  }

  #readSingleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end === -1) throw openQuote("'");
    const quoted = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    return this.#options.rawQuotes ? quoted : quoted.slice(1, -1);
  }

  #readDoubleQuoted(): string {
    const quote = this.#options.rawQuotes ? '"' : '';
    let text = quote;
    this.#at++;
    for (;;) {
      const character = this.#peek();
      if (character === undefined) throw openQuote('"');
      if (character === '$') {
        text += this.#readVariable();
        continue;
      }
      this.#at++;
      if (character === '"') return text + quote;
      text += character === this.#options.escape ? this.#readEscapedInQuotes() : character;
    }
  }

  /** In double quotes only `"`, `$` and the escape character itself can be escaped. */
  #readEscapedInQuotes(): string {
    const { escape } = this.#options;
    const kept = this.#rawEscapes ? escape : '';
    const next = this.#peek();
    if (next === undefined) return kept;
    if (next !== '"' && next !== '$' && next !== escape) return kept + escape;
    this.#at++;
    return kept + next;
  }

  /** `<<` takes the blanks behind it along, so that `<< EOF` is one word. */
  #readHeredocOperator(): string {
    const from = this.#at++;
    if (this.#peek() !== '<') return '<';
    do this.#at++;
    while (/[\t\r ]/.test(this.#peek() ?? ''));
    return this.#text.slice(from, this.#at);
  }

  #readVariable(): string {
    this.#at++;
    if (this.#peek() !== '{') {
      const name = this.#readName();
      return name === '' ? '$' : this.#valueOr(name, `$${name}`);
    }
    this.#at++;
    const first = this.#peek();
    if (first === undefined) throw missing('}');
    if (first === '{' || first === '}' || first === ':') {
      throw noName();
    }
    return this.#readModifier(this.#readName());
  }

  #readName(): string {
    const first = this.#peek() ?? '';
    if (SPECIAL_PARAMETER.test(first)) {
      this.#at++;
      return first;
    }
    const pattern = /\p{Nd}+|[\p{L}_][\p{L}\p{Nd}_]*/uy;
    pattern.lastIndex = this.#at;
    const name = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += name.length;
    return name;
  }

  #valueOr(name: string, reference: string): string {
    return this.#options.env(name) ?? (this.#options.keepUnset ? reference : '');
  }

  #readModifier(name: string): string {
    const modifier = this.#take();
    switch (modifier) {
      case '}':
        return this.#valueOr(name, `\${${name}}`);
      case ':':
        return this.#readAlternative(name, `:${this.#take() ?? ''}`);
      case '+':
      case '-':
      case '?':
        return this.#readAlternative(name, modifier);
      case '#':
      case '%':
        return this.#readTrim(name, modifier);
      case '/':
        return this.#readReplacement(name);
      default:
        throw modifier === undefined ? missing('}') : unsupportedModifier(modifier);
    }
  }

  /** `${name:-word}` and its kin: the colon makes empty as good as unset. */
  #readAlternative(name: string, modifier: string): string {
    if (/^:[#%]/.test(modifier)) throw unsupportedModifier(modifier);
    const { text: word } = this.lexUntil('}', false);
    const value = this.#options.env(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${modifier}${word}}`;
    const given = modifier.startsWith(':') && value === '' ? undefined : value;
    switch (modifier.at(-1)) {
      case '-':
        return given ?? word;
      case '+':
        return given === undefined ? '' : word;
      case '?':
        return given ?? fail(notGiven(name, value, word));
      default:
        throw unsupportedModifier(modifier);
    }
  }

  /** `#` and `%` take off the shortest match of the pattern, `##` and `%%` the longest. */
  #readTrim(name: string, modifier: '#' | '%'): string {
    const { text: word } = this.lexUntil('}', true);
    const value = this.#options.env(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${modifier}${word}}`;
    const longest = word.startsWith(modifier);
    const pattern = longest ? word.slice(1) : word;
    const which = longest ? 'longest' : 'shortest';
    limitWork(pattern, value ?? '');
    const invalid = invalidPattern(pattern);
    if (modifier === '#') {
      const end = parseShellPattern(pattern, invalid).matchEnd(value ?? '', 0, which);
      return (value ?? '').slice(Math.max(end, 0));
    }
    const reversed = reverse(value ?? '');
    const end = parseReversedShellPattern(pattern, invalid).matchEnd(reversed, 0, which);
    return reverse(reversed.slice(Math.max(end, 0)));
  }

  #readReplacement(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#at++;
    const { text: pattern } = this.lexUntil('/', true);
    const { text: replacement } = this.lexUntil('}', true);
    const value = this.#options.env(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`;
    limitWork(pattern, value ?? '');
    const parsed = parseShellPattern(pattern, invalidPattern(pattern));
    return all ? replaceAll(value ?? '', parsed, replacement) : replaceFirst(value ?? '', parsed, replacement);
  }
}

function reverse(text: string): string {
  return Array.from(text).reverse().join('');
}

function fail(error: Error): never {
  throw error;
}

function limitWork(pattern: string, value: string): void {
  if (pattern.length * value.length <= MOST_WORK) return;
  throw tooMuchWork(pattern, value);
}
