import type { MountFlag, Template } from '../../instruction.js';
import { parseGoBoolean } from '../../go-boolean.js';
import { quoted } from '../../quoted.js';
import { didYouMean } from '../../suggestion.js';
import { parseByteSize } from '../values/byte-size.js';
import { type MountKey, type MountOption, mountError, readMountOptions } from './mount-options.js';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const SHARINGS = ['shared', 'private', 'locked'] as const;

/** What the options of a mount say, one after the other, before the type decides what they mean. */
export interface MountDraft {
  readonly given: ReadonlySet<MountKey>;
  readonly type: (typeof TYPES)[number];
  readonly source: string;
  readonly target: string;
  readonly id: string;
  readonly env: string | undefined;
  readonly sharing: (typeof SHARINGS)[number] | undefined;
  /** `undefined`: as is usual for the type. */
  readonly readonly: boolean | undefined;
  readonly required: boolean;
  /** In bytes; 0: no limit. */
  readonly size: number;
  readonly owner: { readonly uid?: number; readonly gid?: number; readonly mode?: number };
}

const EMPTY: MountDraft = {
  given: new Set(),
  type: 'bind',
  source: '',
  target: '',
  id: '',
  env: undefined,
  sharing: undefined,
  readonly: undefined,
  required: false,
  size: 0,
  owner: {},
};

/** @throws TsbuildError DOCKERFILE_SYNTAX, and what `expand` throws. */
export function readMountDraft(flag: MountFlag, expand: (template: Template) => string): MountDraft {
  const given = new Set<MountKey>();
  let draft: MountDraft = { ...EMPTY, given };
  for (const option of readMountOptions(flag)) {
    given.add(option.key);
    const text = option.value === undefined || option.key === 'from' ? undefined : expand(option.value);
    draft = { ...draft, ...READERS[option.key]({ flag, option, type: draft.type, text, draft }) };
  }
  return draft;
}

/** One option at its turn. */
interface Turn {
  readonly flag: MountFlag;
  readonly option: MountOption;
  /** As the options before it have it. */
  readonly type: MountDraft['type'];
  /** Its value; `undefined` where it has none. */
  readonly text: string | undefined;
  readonly draft: MountDraft;
}

type Reader = (turn: Turn) => Partial<MountDraft>;

const READERS: Readonly<Record<MountKey, Reader>> = {
  type: (turn) => ({ type: readWord(turn, TYPES) }),
  from: () => ({}), // Read by mountFrom, before any variable is known.
  source: ({ text = '' }) => ({ source: text }),
  target: ({ text = '' }) => ({ target: text }),
  id: ({ text = '' }) => ({ id: text }),
  env: ({ text = '' }) => ({ env: text }),
  sharing: (turn) => ({ sharing: readWord(turn, SHARINGS) }),
  readonly: (turn) => ({ readonly: readSwitch(turn) }),
  readwrite: (turn) => ({ readonly: !readSwitch(turn) }),
  required: (turn) => {
    refuseBeforeType(turn, ['secret', 'ssh']);
    return { required: readSwitch(turn) };
  },
  size: (turn) => {
    refuseBeforeType(turn, ['tmpfs']);
    return { size: readSize(turn) };
  },
  mode: (turn) => ({ owner: { ...turn.draft.owner, mode: readNumber(turn, 8) } }),
  uid: (turn) => ({ owner: { ...turn.draft.owner, uid: readNumber(turn, 10) } }),
  gid: (turn) => ({ owner: { ...turn.draft.owner, gid: readNumber(turn, 10) } }),
};

function readWord<Word extends string>(turn: Turn, words: readonly Word[]): Word {
  const { text = '', option } = turn;
  const word = words.find((known) => known === text.toLowerCase());
  if (word !== undefined) return word;
  const hint = didYouMean(text, words) ?? `Choose ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}.`;
  throw fieldError(turn, `${quoted(text)} is no ${option.key === 'type' ? 'type of mount' : option.key}`, hint);
}

function readSwitch(turn: Turn): boolean {
  if (turn.text === undefined) return true;
  const value = parseGoBoolean(turn.text);
  if (value !== undefined) return value;
  const { key } = turn.option;
  throw fieldError(turn, `${key} is either true or false, not ${quoted(turn.text)}`, `Write ${key} or ${key}=false.`);
}

/** Options are read in their order, and until `type` is read it is a bind. */
function refuseBeforeType(turn: Turn, types: readonly MountDraft['type'][]): void {
  if (types.includes(turn.type)) return;
  const { key } = turn.option;
  const hint = `It is for ${types.join(' and ')}; write type=${types[0] ?? ''} before it.`;
  throw fieldError(turn, `${key} is not for type ${turn.type}`, hint);
}

function readSize(turn: Turn): number {
  const bytes = parseByteSize(turn.text ?? '');
  if (bytes !== undefined) return bytes;
  throw fieldError(turn, `${quoted(turn.text ?? '')} is no size`, 'Write a number of bytes, or as 512k, 100m or 1.5g.');
}

const LARGEST = { 8: 0o7777, 10: 2 ** 32 - 1 };

function readNumber(turn: Turn, base: 8 | 10): number {
  const { text = '', option } = turn;
  const number = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text) ? Number.parseInt(text, base) : NaN;
  if (number <= LARGEST[base]) return number;
  const hint =
    base === 8 ? 'Write an octal number such as 0400.' : 'Write a number: names are not looked up in a mount.';
  throw fieldError(turn, `${quoted(text)} is no ${option.key}`, hint);
}

function fieldError({ flag, option }: Turn, state: string, hint: string): Error {
  return mountError({ flag, field: option.field }, state, { hint });
}
