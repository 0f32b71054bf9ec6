/** What a variable is called, or why text cannot be expanded. */
export class InterpolationError extends Error {
  override readonly name: string = 'InterpolationError';
}

export type Variables = (name: string) => string | undefined;

const MAX_DEPTH = 50;

/**
 * `$NAME`, `${NAME}` and `${NAME:-default}` in text (compose-spec, "Interpolation"); what is not set is empty, and `$$` is a dollar.
 * @throws `InterpolationError`
 */
export function interpolate(text: string, variables: Variables): string {
  return text.includes('$') ? new Expansion(text, variables).upTo('', 0) : text;
}

class Expansion {
  readonly #text: string;
  readonly #variables: Variables;
  #at = 0;

  constructor(text: string, variables: Variables) {
    this.#text = text;
    this.#variables = variables;
  }

  /** Up to the end, or the brace that closes what the text stands in. */
  upTo(end: '' | '}', depth: number): string {
    if (depth > MAX_DEPTH) throw new InterpolationError('too many variables stand within each other');
    let result = '';
    while (this.#at < this.#text.length) {
      const next = this.#text.charAt(this.#at);
      if (end !== '' && next === end) return result;
      this.#at += 1;
      result += next === '$' ? this.#variable(depth) : next;
    }
    if (end !== '') throw new InterpolationError('"${" has no "}"');
    return result;
  }

  /** Behind the dollar. */
  #variable(depth: number): string {
    if (this.#take('$')) return '$';
    if (!this.#take('{')) {
      const bare = this.#name();
      if (bare === '') throw new InterpolationError('"$" has no name behind it: write "$$" for a dollar');
      return this.#variables(bare) ?? '';
    }
    const name = this.#name();
    if (name === '') throw new InterpolationError('"${" has no name behind it');
    const value = this.#substitute(name, depth);
    if (!this.#take('}')) throw new InterpolationError(`"\${${name}" has no "}"`);
    return value;
  }

  /** A colon makes an empty value one that is not set. */
  #substitute(name: string, depth: number): string {
    const value = this.#variables(name);
    const takesEmpty = this.#take(':');
    const isSet = value !== undefined && !(takesEmpty && value === '');
    if (this.#take('-')) {
      const word = this.upTo('}', depth + 1);
      return isSet ? value : word;
    }
    if (this.#take('+')) {
      const word = this.upTo('}', depth + 1);
      return isSet ? word : '';
    }
    if (this.#take('?')) {
      const word = this.upTo('}', depth + 1);
      if (!isSet) throw new InterpolationError(`variable "${name}" is not set${word === '' ? '' : `: ${word}`}`);
      return value;
    }
    return value ?? '';
  }

  #name(): string {
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.#text.slice(this.#at, this.#at + 500))?.[0] ?? '';
    this.#at += name.length;
    return name;
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}
