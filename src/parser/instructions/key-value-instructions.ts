import { asTemplate } from '../expand-template.js';
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from '../instruction.js';
import { quoted } from '../quoted.js';
import { refuseFlags } from './flags.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { cutFirstWord, splitQuotedWords } from './words.js';

export function parseEnv(raw: RawInstruction): EnvInstruction {
  return { keyword: 'ENV', source: raw.source, text: raw.text, entries: parseKeyValues(raw) };
}

export function parseLabel(raw: RawInstruction): LabelInstruction {
  return { keyword: 'LABEL', source: raw.source, text: raw.text, entries: parseKeyValues(raw) };
}

export function parseArg(raw: RawInstruction): ArgInstruction {
  refuseFlags(raw);
  const words = splitQuotedWords(raw.args.text, raw.escape);
  if (words.length === 0) throw syntaxError(raw, 'it has no name', { hint: 'Write "ARG name" or "ARG name=default".' });
  const entries = words.map((word) => {
    const at = word.indexOf('=');
    if (at === 0) throw blankName(raw);
    return at === -1 ? { name: word } : { name: word.slice(0, at), value: asTemplate(word.slice(at + 1)) };
  });
  return { keyword: 'ARG', source: raw.source, text: raw.text, entries };
}

/** `name=value …`, or in the legacy form `name value` with all the rest as the value: the first word decides. */
function parseKeyValues(raw: RawInstruction): readonly KeyValue[] {
  refuseFlags(raw);
  const words = splitQuotedWords(raw.args.text, raw.escape);
  const [first] = words;
  if (first === undefined)
    throw syntaxError(raw, 'it has no arguments', { hint: `Write "${raw.keyword} name=value".` });
  return first.includes('=') ? words.map((word) => parsePair(raw, word)) : [parseLegacy(raw)];
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
  const { keyword } = raw;
  raw.warn(
    'LegacyKeyValueFormat',
    `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
  );
  return { name: asTemplate(word), value: asTemplate(rest) };
}

function blankName(raw: RawInstruction): Error {
  return syntaxError(raw, 'a name is empty', { hint: 'Write a name before every "=".' });
}
