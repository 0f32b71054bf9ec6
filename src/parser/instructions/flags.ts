import type { SourceRange } from '../../support/source-range.js';
import { quoted } from '../quoted.js';
import { didYouMean } from '../suggestion.js';
import { type RawInstruction, syntaxError, unsupportedError } from './raw-instruction.js';
import type { LinePart } from './split-instruction.js';

export interface FlagRule {
  readonly takes: 'text' | 'texts' | 'boolean';
  /** BuildKit knows the flag and this version refuses it: always, or only switched on since off is what happens anyway. */
  readonly refused?: 'always' | 'on';
}

export interface Flag {
  readonly value: string;
  readonly source: SourceRange;
}

/**
 * The flags of an instruction by name, without the `--`.
 * @throws TsbuildError DOCKERFILE_SYNTAX for an unknown, repeated or valueless flag, DOCKERFILE_UNSUPPORTED.
 */
export function readFlags<Name extends string>(
  raw: RawInstruction,
  rules: Readonly<Record<Name, FlagRule>>,
): ReadonlyMap<Name, Flag> {
  const flags = new Map<Name, Flag>();
  for (const word of raw.flags) {
    const name = nameOf(word);
    if (!isKnown(name, rules)) throw unknownFlag(raw, word, Object.keys(rules));
    const rule = rules[name];
    const source = raw.range(word);
    if (flags.has(name) && rule.takes !== 'texts') {
      throw syntaxError(raw, `--${name} is given twice`, { source, hint: `Keep one --${name}.` });
    }
    const value = readValue(raw, word, rule);
    if (rule.refused === 'always' || (rule.refused === 'on' && value === 'true')) {
      throw unsupportedError(`${raw.keyword} --${name}`, source);
    }
    flags.set(name, { value, source });
  }
  return flags;
}

/** For instructions that take no flags. */
export function refuseFlags(raw: RawInstruction): void {
  readFlags(raw, {});
}

function nameOf(word: LinePart): string {
  return word.text.slice(2).split('=', 1)[0] ?? '';
}

function isKnown<Name extends string>(name: string, rules: Readonly<Record<Name, FlagRule>>): name is Name {
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
