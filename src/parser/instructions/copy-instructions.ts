import { asTemplate } from '../expand-template.js';
import type { CopyInstruction, Heredoc } from '../instruction.js';
import { chompedContent, parseHeredocWord } from '../lines/heredoc.js';
import { quoted } from '../quoted.js';
import { notStrings } from './command-instructions.js';
import { type Flags, type FlagRule, readFlags } from './flags.js';
import { parseStringArray } from './values/json-array.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { splitWords } from './values/words.js';

const COMMON = {
  chown: { takes: 'text' },
  chmod: { takes: 'text' },
  link: { takes: 'boolean' },
  exclude: { takes: 'texts' },
} as const;
const OF_COPY = { from: { takes: 'text' }, ...COMMON, parents: { takes: 'boolean' } } as const;
const OF_ADD = {
  ...COMMON,
  checksum: { takes: 'text' },
  'keep-git-dir': { takes: 'boolean' },
  unpack: { takes: 'boolean' },
} as const;

type FlagName = keyof typeof OF_COPY | keyof typeof OF_ADD;

export function parseCopy(raw: RawInstruction, keyword: CopyInstruction['keyword']): CopyInstruction {
  const rules: Readonly<Partial<Record<FlagName, FlagRule>>> = keyword === 'COPY' ? OF_COPY : OF_ADD;
  const flags = readFlags(raw, rules);
  const words = parsePaths(raw);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    const state = words.length === 0 ? 'it has no arguments' : 'it has no destination';
    throw syntaxError(raw, state, {
      hint: `Write the sources and then the destination, as in "${keyword} src /app/".`,
    });
  }
  if (parseHeredocWord(destination) !== undefined) {
    throw syntaxError(raw, `its destination ${quoted(destination)} is a heredoc`, {
      source: wordRange(raw, destination),
      hint: `Write the destination last, as in "${keyword} <<EOF /path".`,
    });
  }
  return {
    keyword,
    source: raw.source,
    text: raw.text,
    ...splitSources(raw, words.slice(0, -1)),
    destination: asTemplate(destination),
    ...readOptions(flags),
  };
}

type Sources = Pick<CopyInstruction, 'sources' | 'files'>;

/** Words of the shape of a heredoc are files, by the name that they share with what follows the line. */
function splitSources(raw: RawInstruction, words: readonly string[]): Sources {
  const bodies = new Map(raw.heredocs.map((heredoc) => [heredoc.name, heredoc]));
  const unused = new Set(bodies.keys());
  const sources: CopyInstruction['sources'][number][] = [];
  const files: Heredoc[] = [];
  for (const word of words) {
    const heredoc = parseHeredocWord(word);
    if (heredoc === undefined) {
      sources.push(asTemplate(word));
      continue;
    }
    const body = bodies.get(heredoc.name);
    if (body === undefined) throw withoutBody(raw, word);
    unused.delete(heredoc.name);
    const content = chompedContent({ content: body.content, chomp: heredoc.chomp });
    files.push({ name: heredoc.name, content, expand: heredoc.expand, source: body.source });
  }
  for (const name of unused) throw brokenWord(raw, name);
  return { sources, files };
}

/** BuildKit makes an empty file of it. */
function withoutBody(raw: RawInstruction, word: string): Error {
  return syntaxError(raw, `heredoc ${quoted(word)} is in quotes, so that no lines belong to it`, {
    source: wordRange(raw, word),
    hint: 'A heredoc stands outside of quotes and JSON arrays, and no quote on its line is left open.',
  });
}

/** The shell's words are not those of COPY: BuildKit takes the pieces of this one as paths, and drops the lines. */
function brokenWord(raw: RawInstruction, name: string): Error {
  return syntaxError(raw, `the word of heredoc ${quoted(name)} has blanks in it`, {
    hint: 'Write "<<" and the name as one word, without blanks.',
  });
}

type CopyOptions = Omit<CopyInstruction, keyof Sources | 'keyword' | 'source' | 'text' | 'destination'>;

/** An empty text is as good as no flag. */
function readOptions(flags: Flags<FlagName>): CopyOptions {
  const textOf = (name: FlagName): string => flags.get(name)?.value ?? '';
  const switchOf = (name: FlagName): boolean | undefined => {
    const flag = flags.get(name);
    return flag === undefined ? undefined : flag.value === 'true';
  };
  const [from, chown, chmod, checksum] = [textOf('from'), textOf('chown'), textOf('chmod'), textOf('checksum')];
  const [keepGitDir, unpack] = [switchOf('keep-git-dir'), switchOf('unpack')];
  return {
    ...(from !== '' && { from }),
    ...(chown !== '' && { chown: asTemplate(chown) }),
    ...(chmod !== '' && { chmod: asTemplate(chmod) }),
    link: switchOf('link') ?? false,
    parents: switchOf('parents') ?? false,
    exclude: flags.all('exclude').map(({ value }) => value),
    ...(checksum !== '' && { checksum: asTemplate(checksum) }),
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...(unpack !== undefined && { unpack }),
  };
}

/** The strings of a JSON array, or words between blanks: quotes group nothing. */
export function parsePaths(raw: RawInstruction): readonly string[] {
  const paths = parseStringArray(raw.args.text);
  if (paths === null) throw notStrings(raw);
  return paths ?? splitWords(raw.args.text);
}
