/** One way to authenticate that a server offers (RFC 9110 §11.6.1). Names are lowercase. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SEPARATORS = /[\s,]*/y;
const SPACES = /[ \t]*/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
// Basic's and Negotiate's credentials may follow the scheme without a name (RFC 9110 §11.2, token68).
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;

/**
 * Reads `WWW-Authenticate`: several challenges in a header, values that are quoted or not, commas inside quotes. Commas separate
 * both challenges and parameters, so a word is a scheme when no `=` follows it. What cannot be read ends the list.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const reader = new Reader(header);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (;;) {
    reader.take(SEPARATORS);
    const word = reader.take(TOKEN);
    if (word === undefined) return challenges;
    const current = challenges.at(-1);
    if (reader.take(EQUALS) === undefined) {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      reader.take(SPACES);
      if (!reader.startsParameter()) reader.take(TOKEN68);
    } else {
      const value = reader.value();
      if (current === undefined || value === undefined) return challenges;
      current.parameters.set(word.toLowerCase(), value);
    }
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What `pattern` (sticky) matches here, or `undefined`. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }

  value(): string | undefined {
    const quoted = this.take(QUOTED);
    return quoted === undefined ? this.take(TOKEN) : quoted.replace(/\\(.)/g, '$1');
  }

  startsParameter(): boolean {
    return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*=\s*(?:"|[^\s,="])/.test(this.#text.slice(this.#at, this.#at + 256));
  }
}
