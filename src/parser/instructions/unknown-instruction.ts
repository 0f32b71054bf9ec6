import { TsbuildError } from '../../support/errors.js';
import { quoted } from '../quoted.js';
import { didYouMean } from '../suggestion.js';
import { type RawInstruction } from './raw-instruction.js';

/** What stands at the beginning of lines that are for a shell, not for us. */
const COMMANDS: ReadonlySet<string> = new Set([
  ...[
    'apk',
    'apt',
    'apt-get',
    'bash',
    'cargo',
    'cat',
    'chmod',
    'chown',
    'conda',
    'cp',
    'curl',
    'dnf',
    'do',
    'done',
    'echo',
    'else',
  ],
  ...[
    'fi',
    'find',
    'for',
    'git',
    'go',
    'if',
    'ln',
    'ls',
    'make',
    'mkdir',
    'mv',
    'node',
    'npm',
    'pip',
    'pip3',
    'printf',
    'python',
  ],
  ...[
    'python3',
    'rm',
    'sed',
    'set',
    'sh',
    'sudo',
    'tar',
    'test',
    'then',
    'touch',
    'unzip',
    'useradd',
    'wget',
    'while',
    'yarn',
    'yum',
  ],
  ...['&&', '||', '|'],
]);

/** What does its work only as an instruction. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['cd', 'Write WORKDIR, which holds for all lines below.'],
  ['export', 'Write ENV name=value, which holds for all lines below and for the image.'],
  ['source', 'What it sets would be lost at the end of a step: write ENV.'],
]);

const OTHER_FILES: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /^(?:version|services|name|volumes|networks):/,
    'This is a Compose file: give the Dockerfile that its service names.',
  ],
  [/^[{[]/, 'This looks like JSON: name the Dockerfile with -f.'],
  [/^</, 'This looks like a web page: perhaps the download of the Dockerfile went wrong.'],
];

/** The error of a line that begins with no instruction; `known` are those there are. */
export function unknownInstruction(raw: RawInstruction, known: readonly string[]): TsbuildError {
  const word = raw.writtenKeyword;
  const from = raw.line.indexOf(word);
  const message = `cannot parse instruction ${quoted(word)}: there is no such instruction`;
  return new TsbuildError('DOCKERFILE_SYNTAX', message, {
    source: raw.range({ from, to: from + word.length }),
    hint: hintFor(word, known),
  });
}

function hintFor(word: string, known: readonly string[]): string {
  const lower = word.toLowerCase();
  const instead = INSTEAD.get(lower) ?? OTHER_FILES.find(([pattern]) => pattern.test(lower))?.[1];
  if (instead !== undefined) return instead;
  if (COMMANDS.has(lower)) {
    return `Write "RUN ${word} …"; if the line belongs to the one above, end that one with a backslash.`;
  }
  // Those that are most often meant win where several are equally near.
  return (
    didYouMean(word, ['RUN', 'COPY', 'FROM', ...known]) ??
    'Every line begins with an instruction such as RUN or COPY; a line that goes on ends with a backslash.'
  );
}
