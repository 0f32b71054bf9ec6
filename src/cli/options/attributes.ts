import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { suggest } from '../../support/suggest.js';
import { usageError } from '../argv.js';

const BUILD = { command: 'tsbuild build' };

export interface AttributesOptions {
  /** `--output` */
  readonly option: string;
  /** What a word without any `=` stands for. */
  readonly alone: Readonly<Record<string, string>>;
}

/** A value such as `type=…,key=value`, with quotes around what has commas. Keys that nobody takes are errors. */
export class Attributes {
  readonly #word: string;
  readonly #option: string;
  readonly #values = new Map<string, string>();

  /** @throws `USAGE` */
  constructor(word: string, { option, alone }: AttributesOptions) {
    this.#word = word;
    this.#option = option;
    if (!word.includes('=')) {
      for (const [key, value] of Object.entries(alone)) this.#values.set(key, value);
      return;
    }
    const fields = readCsvFields(word);
    if (fields === undefined)
      throw this.refused('it is no line of CSV', 'Write type=…,key=value, with quotes around a comma.');
    for (const { text } of fields) {
      const equals = text.indexOf('=');
      if (equals < 1) throw this.refused(`"${text}" is not of the form key=value`, 'Write type=…,key=value.');
      const key = text.slice(0, equals).trim().toLowerCase();
      this.#values.set(key, text.slice(equals + 1));
    }
  }

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  /** What the type stands for. @throws `USAGE` for one that is not there */
  type<T>(readers: Readonly<Record<string, T>>): { readonly type: string; readonly reader: T } {
    const type = this.take('type') ?? '';
    const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
    if (reader !== undefined) return { type, reader };
    const types = Object.keys(readers);
    const state = type === '' ? 'it has no type' : `there is no type "${type}"`;
    const near = suggest(type, types);
    throw this.refused(state, near === undefined ? `The types are ${types.join(', ')}.` : `Did you mean ${near}?`);
  }

  truth(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (['true', '1', ''].includes(value)) return true;
    if (['false', '0'].includes(value)) return false;
    throw this.refused(`${key} is neither true nor false`, `Write ${key}=true or ${key}=false.`);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const choice = choices.find((one) => one === value);
    if (choice === undefined) throw this.refused(`there is no ${key} "${value}"`, `Use ${choices.join(' or ')}.`);
    return choice;
  }

  number(key: string, max: number): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (/^\d{1,9}$/.test(value) && Number(value) <= max) return Number(value);
    throw this.refused(`${key} is no number from 0 to ${max}`, `Write ${key}=NUMBER.`);
  }

  /** Nothing is passed over in silence. @param state with `KEY` for the first key that nobody took */
  end(
    state: string,
    { hint, passed = new Set() }: { readonly hint: string; readonly passed?: ReadonlySet<string> },
  ): void {
    for (const key of this.#values.keys()) {
      if (!passed.has(key)) throw this.refused(state.replace('KEY', key), hint);
    }
  }

  refused(state: string, hint: string): Error {
    return usageError(BUILD, `cannot use ${this.#option} "${this.#word}": ${state}`, hint);
  }
}
