import { bakeError, type Span } from '../bake-error.js';
import type { SourceText } from '../source-text.js';
import type { TsbuildError } from '../../support/errors.js';

const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
/** Of nested expressions: deeper ones are no file that a person wrote. */
const MAX_DEPTH = 200;

/** A place in a file, which parsing moves on. */
export class Cursor {
  readonly source: SourceText;
  offset = 0;
  /** Whether ends of lines are blank here: between brackets they are. */
  newlinesAreBlank = false;
  #depth = 0;

  constructor(source: SourceText, offset = 0) {
    this.source = source;
    this.offset = offset;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.source.text.length;
  }

  peek(ahead = 0): string {
    return this.source.text.charAt(this.offset + ahead);
  }

  startsWith(text: string): boolean {
    return this.source.text.startsWith(text, this.offset);
  }

  /** Moves behind the text, when it is here. */
  take(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.offset += text.length;
    return true;
  }

  /** What a sticky expression finds here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.source.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  takeIdentifier(): string | undefined {
    return this.match(IDENTIFIER);
  }

  /** Behind spaces and comments, and ends of lines where they are blank. */
  skipBlank(): void {
    for (;;) {
      if (this.match(this.newlinesAreBlank ? /\s+/y : /[ \t\uFEFF]+/y) !== undefined) continue;
      if (this.match(/(?:#|\/\/)[^\n]*/y) !== undefined) continue;
      if (!this.startsWith('/*')) return;
      const start = this.offset;
      if (this.match(/\/\*[^]*?\*\//y) === undefined) throw this.error('the comment has no end', start);
    }
  }

  /** Behind everything that means nothing between items of a body. */
  skipLines(): void {
    this.within(true, () => undefined);
  }

  /** Parses with ends of lines blank, or not. */
  within<T>(newlinesAreBlank: boolean, parse: () => T): T {
    const before = this.newlinesAreBlank;
    this.newlinesAreBlank = newlinesAreBlank;
    this.skipBlank();
    const parsed = parse();
    this.newlinesAreBlank = before;
    return parsed;
  }

  nested<T>(parse: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw this.error(`more than ${MAX_DEPTH} expressions are within each other`);
    this.#depth += 1;
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }

  expect(text: string, where: string): void {
    if (!this.take(text)) throw this.error(`"${text}" is missing ${where}`);
  }

  span(start: number, end: number = this.offset): Span {
    return { source: this.source, start, end };
  }

  error(state: string, start: number = this.offset, hint?: string): TsbuildError {
    const end = Math.max(this.offset, start + 1);
    return bakeError(`cannot parse "${this.source.name}": ${state}`, this.span(start, end), hint);
  }
}
