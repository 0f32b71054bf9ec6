import { asTemplate } from '../expand-template.js';
import type { CopyInstruction } from '../instruction.js';
import { notStrings } from './command-instructions.js';
import { type Flag, type FlagRule, readFlags } from './flags.js';
import { parseStringArray } from './json-array.js';
import { type RawInstruction, syntaxError } from './raw-instruction.js';
import { splitWords } from './words.js';

const COMMON: Readonly<Record<string, FlagRule>> = {
  chown: { takes: 'text' },
  chmod: { takes: 'text' },
  link: { takes: 'boolean', refused: 'on' },
  exclude: { takes: 'texts', refused: 'always' },
};

const FLAGS: Readonly<Record<CopyInstruction['keyword'], Readonly<Record<string, FlagRule>>>> = {
  COPY: { from: { takes: 'text' }, ...COMMON, parents: { takes: 'boolean', refused: 'on' } },
  ADD: {
    ...COMMON,
    checksum: { takes: 'text', refused: 'always' },
    'keep-git-dir': { takes: 'boolean', refused: 'on' },
    // Off is refused too: without the flag an archive is unpacked.
    unpack: { takes: 'boolean', refused: 'always' },
  },
};

export function parseCopy(raw: RawInstruction, keyword: CopyInstruction['keyword']): CopyInstruction {
  const flags = readFlags(raw, FLAGS[keyword]);
  const words = parsePaths(raw).map(asTemplate);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    const state = words.length === 0 ? 'it has no arguments' : 'it has no destination';
    throw syntaxError(raw, state, {
      hint: `Write the sources and then the destination, as in "${keyword} src /app/".`,
    });
  }
  return {
    keyword,
    source: raw.source,
    text: raw.text,
    sources: words.slice(0, -1),
    files: [],
    link: false,
    parents: false,
    exclude: [],
    destination,
    ...readOptions(flags),
  };
}

type CopyOptions = Pick<CopyInstruction, 'from' | 'chown' | 'chmod'>;

/** An empty value is as good as no flag. */
function readOptions(flags: ReadonlyMap<string, Flag>): CopyOptions {
  const valueOf = (name: string): string => flags.get(name)?.value ?? '';
  const [from, chown, chmod] = [valueOf('from'), valueOf('chown'), valueOf('chmod')];
  return {
    ...(from !== '' && { from }),
    ...(chown !== '' && { chown: asTemplate(chown) }),
    ...(chmod !== '' && { chmod: asTemplate(chmod) }),
  };
}

/** The strings of a JSON array, or words between blanks: quotes group nothing. */
export function parsePaths(raw: RawInstruction): readonly string[] {
  const paths = parseStringArray(raw.args.text);
  if (paths === null) throw notStrings(raw);
  return paths ?? splitWords(raw.args.text);
}
