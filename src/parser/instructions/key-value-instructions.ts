import { definitionDescription } from '../checks/stage-checks.js';
import { asTemplate } from '../expand-template.js';
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from '../instruction.js';
import { quoted } from '../quoted.js';
import { describedBy } from './description.js';
import { refuseFlags } from './flags.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { cutFirstWord, splitQuotedWords } from './values/words.js';

export function parseEnv(raw: RawInstruction): EnvInstruction {
  return { keyword: 'ENV', source: raw.source, text: raw.text, ...parseKeyValues(raw) };
}

export function parseLabel(raw: RawInstruction): LabelInstruction {
  return { keyword: 'LABEL', source: raw.source, text: raw.text, ...parseKeyValues(raw) };
}

export function parseArg(raw: RawInstruction): ArgInstruction {
  refuseFlags(raw);
  const words = splitQuotedWords(raw.args.text, raw.escape);
  if (words.length === 0) throw syntaxError(raw, 'it has no name', { hint: 'Write "ARG name" or "ARG name=default".' });
  const entries = words.map((word) => {
    const at = word.indexOf('=');
    if (at === 0) throw blankName(raw);
    const name = at === -1 ? word : word.slice(0, at);
    const value = at === -1 ? {} : { value: asTemplate(word.slice(at + 1)) };
    return { name, ...value, ...describedBy(raw.comments, name) };
  });
  const names = entries.map(({ name }) => name);
  definitionDescription('ARG', names, raw.comments).forEach(raw.report);
  return { keyword: 'ARG', source: raw.source, text: raw.text, entries };
}

/** `name=value …`, or in the legacy form `name value` with all the rest as the value: the first word decides. */
function parseKeyValues(raw: RawInstruction): { readonly entries: readonly KeyValue[]; readonly legacy?: true } {
  refuseFlags(raw);
  const words = splitQuotedWords(raw.args.text, raw.escape);
  const [first] = words;
  if (first === undefined)
    throw syntaxError(raw, 'it has no arguments', { hint: `Write "${raw.keyword} name=value".` });
  if (first.includes('=')) return { entries: words.map((word) => parsePair(raw, word)) };
  return { entries: [parseLegacy(raw)], legacy: true };
}

function parsePair(raw: RawInstruction, word: string): KeyValue {
  const at = word.indexOf('=');
  if (at === -1) {
    const hint = 'Every word must be name=value; put a value with blanks in double quotes.';
    throw syntaxError(raw, `${quoted(word)} has no "="`, { source: wordRange(raw, word), hint });
  }
  if (at === 0) throw blankName(raw);
  return { name: asTemplate(word.slice(0, at)), value: asTemplate(word.slice(at + 1)) };
}

function parseLegacy(raw: RawInstruction): KeyValue {
  const { word, rest } = cutFirstWord(raw.args.text);
  if (rest === undefined) {
    throw syntaxError(raw, `${quoted(word)} has no value`, { hint: `Write "${raw.keyword} name=value".` });
  }
  return { name: asTemplate(word), value: asTemplate(rest) };
}

function blankName(raw: RawInstruction): Error {
  return syntaxError(raw, 'a name is empty', { hint: 'Write a name before every "=".' });
}
