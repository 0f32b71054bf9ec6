import { canonicalJson } from '../../oci/canonical-json.js';
import { isSecretName } from '../../parser/checks/messages.js';
import type { KeyChange } from './key-change.js';

/** What a key was made of, as `keyMaterial` was given it; of several keys, all of it together. */
export type KeyParts = Readonly<Record<string, unknown>>;

/** A step at one of two times. */
export interface KeyedStep {
  /** The instruction as it is written. */
  readonly text: string;
  readonly parts: KeyParts;
}

export interface Hiding {
  /** Values that are shown to nobody. */
  readonly secrets: ReadonlySet<string>;
}

const HIDDEN = '(hidden)';
/** Characters of a text that are shown. */
const SHOWN = 160;
/** What stands for content: other parts of this page know more of it. */
const ELSEWHERE: ReadonlySet<string> = new Set(['version', 'operation', 'parent', 'from', 'content', 'taken', 'seen']);
const INSTRUCTION: readonly string[] = ['argv', 'sources', 'destination', 'path'];

/** How the definition of a step differs: all that is no content of file systems. */
export function definitionChanges(
  { parts: before, text: textBefore }: KeyedStep,
  { parts: after, text: textAfter }: KeyedStep,
  hiding: Hiding,
): readonly KeyChange[] {
  const changes: KeyChange[] = before['version'] === after['version'] ? [] : [{ what: 'builder' }];
  const [was, is] = [operationOf(before), operationOf(after)];
  const [wordsBefore, wordsAfter] = [instructionText(was), instructionText(is)];
  if (wordsBefore !== wordsAfter) {
    changes.push(
      textBefore === textAfter ? instructionChange(wordsBefore, wordsAfter) : instructionChange(textBefore, textAfter),
    );
  }
  changes.push(...variableChanges(was['env'], is['env'], hiding));
  const known = new Set(['kind', 'keyword', 'env', 'fromContext', ...INSTRUCTION]);
  changes.push(...settingChanges(was, is, known));
  changes.push(...settingChanges(before, after, new Set([...ELSEWHERE, 'sources'])));
  return changes;
}

/** The sources of a copy stand apart from its other parts. */
function operationOf({ operation, sources }: KeyParts): KeyParts {
  const members = isObject(operation) ? operation : {};
  return sources === undefined ? members : { ...members, sources };
}

/** What a person takes for the instruction. */
function instructionText(operation: KeyParts): string {
  const { argv, keyword, sources, destination, path } = operation;
  if (Array.isArray(argv)) return argv.length === 3 && argv[1] === '-c' ? String(argv[2]) : argv.map(String).join(' ');
  if (typeof destination === 'string') {
    const named = Array.isArray(sources) ? sources.map(sourceText) : [];
    return [textOf(keyword), ...named, destination].join(' ');
  }
  return `WORKDIR ${textOf(path)}`;
}

function sourceText(source: unknown): string {
  const { pattern, pivot, name } = (source ?? {}) as Record<string, unknown>;
  const text = textOf(pattern ?? name);
  return typeof pivot === 'string' && pivot !== '' ? `${pivot}/./${text}` : text === '' ? '.' : text;
}

/** Both from where they begin to differ. */
function instructionChange(before: string, after: string): KeyChange {
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const from = before.length <= SHOWN && after.length <= SHOWN ? 0 : Math.max(0, same - 40);
  return { what: 'instruction', before: excerpt(before, from), after: excerpt(after, from) };
}

function excerpt(text: string, from: number): string {
  const end = from + SHOWN;
  return `${from > 0 ? '…' : ''}${text.slice(from, end)}${end < text.length ? '…' : ''}`;
}

/** Of lists of `NAME=value`. */
function variableChanges(before: unknown, after: unknown, hiding: Hiding): readonly KeyChange[] {
  const [was, is] = [variablesOf(before), variablesOf(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  return names.flatMap((name) => {
    if (was.get(name) === is.get(name)) return [];
    const shown = (value: string | undefined): string | null =>
      value === undefined ? null : valueShown(name, value, hiding);
    return [{ what: 'variable', name, before: shown(was.get(name)), after: shown(is.get(name)) }];
  });
}

function variablesOf(list: unknown): ReadonlyMap<string, string> {
  const words = Array.isArray(list) ? list.map(String) : [];
  return new Map(
    words.map((word) => {
      const equals = word.indexOf('=');
      return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

function valueShown(name: string, value: string, { secrets }: Hiding): string {
  if (isSecretName(name) || secrets.has(value)) return HIDDEN;
  // A password in a URL.
  return excerpt(value.replace(/(\w+:\/\/[^/\s:@]*):[^@/\s]*@/g, `$1:${HIDDEN}@`), 0);
}

function settingChanges(before: KeyParts, after: KeyParts, known: ReadonlySet<string>): readonly KeyChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !known.has(name));
  return names.flatMap((name) => {
    const [was, is] = [settingText(before[name]), settingText(after[name])];
    return was === is ? [] : [{ what: 'setting', name, before: excerpt(was, 0), after: excerpt(is, 0) }];
  });
}

function settingText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : canonicalJson(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isObject(value: unknown): value is KeyParts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
