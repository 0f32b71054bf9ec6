import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/tables/command-table.js';
import { candidatesFor } from '../../../src/cli/completion/candidates.js';
import { SCRIPTS } from '../../../src/cli/completion/scripts.js';
import { splitLine } from '../../../src/cli/completion/split-line.js';
import { requirement } from '../../support/require.js';
import { hasTools } from '../../support/tools.js';

const wordsOf = (line: string): readonly string[] =>
  candidatesFor(splitLine(line).slice(1), COMMANDS).words.map(({ word }) => word);

describe('completion knows', () => {
  test('every command, and that a path may stand in its place', () => {
    expect(wordsOf('tsbuild ')).toEqual(COMMANDS.map(({ name }) => name));
    expect(candidatesFor([''], COMMANDS).files).toBe(true);
    expect(wordsOf('tsbuild help ')).toEqual(COMMANDS.map(({ name }) => name));
  });

  test('every option of a command that its help shows, and the global ones', () => {
    for (const { name, options } of COMMANDS) {
      const shown = options.filter(({ hidden }) => hidden !== true).map((option) => `--${option.name}`);
      expect(wordsOf(`tsbuild ${name} -`)).toEqual([...shown, '--additional-store', '--help', '--store'].sort());
    }
    expect(wordsOf('tsbuild --store x -')).toEqual(['--additional-store', '--help', '--store']);
  });

  test.each([
    ['tsbuild build --progress ', ['auto', 'plain', 'tty', 'json', 'rawjson', 'quiet']],
    [
      'tsbuild --store /x build --progress=',
      ['auto', 'plain', 'tty', 'json', 'rawjson', 'quiet'].map((word) => `--progress=${word}`),
    ],
    ['tsbuild completion ', ['bash', 'zsh', 'fish']],
  ])('the words that stand after: %s', (line, expected) => {
    expect(wordsOf(line)).toEqual(expected);
  });

  test.each<[string, { files: boolean; images: boolean }]>([
    ['tsbuild rmi ', { files: false, images: true }],
    ['tsbuild copy ', { files: true, images: true }],
    ['tsbuild build ', { files: true, images: false }],
    ['tsbuild build --file ', { files: true, images: false }],
    ['tsbuild build --jobs ', { files: false, images: false }],
    ['tsbuild save -o ', { files: true, images: false }],
    ['tsbuild save -- ', { files: false, images: true }],
    ['tsbuild version ', { files: false, images: false }],
  ])('whether paths and images stand after: %s', (line, expected) => {
    expect(candidatesFor(splitLine(line).slice(1), COMMANDS)).toMatchObject(expected);
  });
});

test.each<[string, readonly string[]]>([
  ['', ['']],
  ['a', ['a']],
  ['a ', ['a', '']],
  ['a  b', ['a', 'b']],
  [String.raw`a "b c" d\ e 'f "g`, ['a', 'b c', 'd e', 'f "g']],
  [String.raw`a b\ `, ['a', 'b ']],
  [String.raw`"a\"b" x`, ['a"b', 'x']],
])('splitLine(%j)', (line, words) => {
  expect(splitLine(line)).toEqual(words);
});

/** Answers as `tsbuild completion words` would. */
const ANSWERS = `#!/bin/sh
[ "$1 $2 $3" = 'completion words --' ] || exit 9
case $4 in
  'tsbuild rmi debian:') printf 'debian:11\\ndebian:12\\n' ;;
  'tsbuild build --progress=') printf -- '--progress=plain\\n--progress=tty\\n' ;;
  'tsbuild sa') printf 'save\\tSave images\\n' ;;
  *) printf ':files\\n' ;;
esac
`;

describe('the scripts, in their shells', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsbuild-completion-'));
    writeFileSync(join(folder, 'tsbuild'), ANSWERS);
    chmodSync(join(folder, 'tsbuild'), 0o755);
    for (const [shell, script] of Object.entries(SCRIPTS)) writeFileSync(join(folder, shell), script);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const inShell = (shell: string, ...args: readonly string[]): string => {
    const env = { PATH: `${folder}:${String(process.env['PATH'])}`, HOME: folder, TERM: 'dumb' };
    const { stdout, stderr } = spawnSync(shell, args, { env, cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout;
  };

  const LINES: readonly (readonly [string, string])[] = [
    ['tsbuild rmi debian:', '11 12'],
    ['tsbuild build --progress=', 'plain tty'],
    ['tsbuild sa', 'save'],
  ];

  const bash = requirement('bash', hasTools('bash'), 'its completion is run in it');
  test.skipIf(bash.skip).each(LINES)(`bash: %s (${bash.reason})`, (line, expected) => {
    const ask = `. ./bash; COMP_LINE='${line}' COMP_POINT=${line.length}; _tsbuild; echo "\${COMPREPLY[*]}"`;
    expect(inShell('bash', '--norc', '-c', ask)).toBe(`${expected}\n`);
  });

  const fish = requirement('fish', hasTools('fish'), 'its completion is run in it');
  test.skipIf(fish.skip)(`fish (${fish.reason})`, () => {
    const ask = (line: string): string => inShell('fish', '-N', '-c', `source fish; complete -C '${line}'`);
    expect(ask('tsbuild sa')).toBe('save\tSave images\n');
    expect(ask('tsbuild rmi debian:')).toBe('debian:11\ndebian:12\n');
    expect(ask('tsbuild build b')).toBe('bash\n');
  });

  const zsh = requirement('zsh', hasTools('zsh'), 'its completion is run in it');
  test.skipIf(zsh.skip)(`zsh (${zsh.reason})`, () => {
    // The functions of its completion system are replaced by ones that tell what they were given.
    const ask = (line: string): string => {
      const stand = `compdef() { : }; compadd() { print -r -- "$replies" }; _files() { print files }; source ./zsh`;
      return inShell('zsh', '-f', '-c', `${stand}; words=(\${(s: :):-"${line}"}); CURRENT=$#words; _tsbuild`);
    };
    expect(ask('tsbuild sa')).toBe('save\n');
    expect(ask('tsbuild rmi debian:')).toBe('debian:11 debian:12\n');
    expect(ask('tsbuild build b')).toBe('files\n');
  });
});
