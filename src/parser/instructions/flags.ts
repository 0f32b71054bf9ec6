import type { SourceRange } from '../../support/source-range.js';
import { quoted } from '../quoted.js';
import { didYouMean } from '../suggestion.js';
import { type RawInstruction, syntaxError } from './raw-instruction.js';
import type { LinePart } from './split-instruction.js';

export interface FlagRule {
  /** `texts` may be given any number of times, each adding one. */
  readonly takes: 'text' | 'texts' | 'boolean';
}

export interface Flag {
  readonly value: string;
  readonly source: SourceRange;
}

/** The flags that an instruction has, by their names without the `--`. */
export interface Flags<Name extends string> {
  readonly count: number;
  get(name: Name): Flag | undefined;
  /** Of a flag that may be given several times, in their order. */
  all(name: Name): readonly Flag[];
}

/** @throws TsbuildError DOCKERFILE_SYNTAX for an unknown, repeated or valueless flag. */
export function readFlags<Name extends string>(
  raw: RawInstruction,
  rules: Readonly<Partial<Record<Name, FlagRule>>>,
): Flags<Name> {
  const flags = new Map<Name, Flag[]>();
  for (const word of raw.flags) {
    const name = nameOf(word);
    const rule = isKnown(name, rules) ? rules[name] : undefined;
    if (!isKnown(name, rules) || rule === undefined) throw unknownFlag(raw, word, Object.keys(rules));
    const source = raw.range(word);
    if (flags.has(name) && rule.takes !== 'texts') {
      throw syntaxError(raw, `--${name} is given twice`, { source, hint: `Keep one --${name}.` });
    }
    const flag = { value: readValue(raw, word, rule), source };
    const earlier = flags.get(name);
    if (earlier === undefined) flags.set(name, [flag]);
    else earlier.push(flag);
  }
  return { count: flags.size, get: (name) => flags.get(name)?.[0], all: (name) => flags.get(name) ?? [] };
}

/** For instructions that take no flags. */
export function refuseFlags(raw: RawInstruction): void {
  readFlags(raw, {});
}

function nameOf(word: LinePart): string {
  return word.text.slice(2).split('=', 1)[0] ?? '';
}

function isKnown<Name extends string>(name: string, rules: Readonly<Partial<Record<Name, FlagRule>>>): name is Name {
  return Object.hasOwn(rules, name);
}

function unknownFlag(raw: RawInstruction, word: LinePart, known: readonly string[]): Error {
  const name = nameOf(word);
  const list = known.length === 0 ? `${raw.keyword} takes no flags` : `The flags are --${known.join(', --')}`;
  const hint = didYouMean(name, known)?.replace('Did you mean ', 'Did you mean --') ?? `${list}.`;
  return syntaxError(raw, `it has no flag ${quoted(`--${name}`)}`, { source: raw.range(word), hint });
}

function readValue(raw: RawInstruction, word: LinePart, { takes }: FlagRule): string {
  const name = nameOf(word);
  const value = word.text.startsWith(`--${name}=`) ? word.text.slice(name.length + 3) : undefined;
  const source = raw.range(word);
  if (takes === 'boolean') {
    const lower = (value ?? 'true').toLowerCase();
    if (lower === 'true' || lower === 'false') return lower;
    const state = `--${name} is either true or false, not ${quoted(value ?? '')}`;
    throw syntaxError(raw, state, { source, hint: `Write --${name} or --${name}=false.` });
  }
  if (value !== undefined) return value;
  throw syntaxError(raw, `--${name} has no value`, { source, hint: `Write --${name}=value, without blanks.` });
}
