import { familiarName } from '../../oci/reference.js';
import { isTsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Command } from '../command.js';
import { candidatesFor, type Candidate } from '../completion/candidates.js';
import { SCRIPTS } from '../completion/scripts.js';
import { splitLine } from '../completion/split-line.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { plainLine } from '../text/terminal-text.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host, commands: readonly Command[]): Promise<void> {
  const [shell = '', line] = parsed.positionals;
  if (shell === 'words') {
    await print(host.stdout, await replies(line ?? '', { parsed, host, commands }));
    return;
  }
  const script = SCRIPTS[shell];
  if (script === undefined) {
    throw usageError(
      { command: 'tsbuild completion' },
      `cannot complete for "${shell}": no such shell`,
      `Give one of ${Object.keys(SCRIPTS).join(', ')}.`,
    );
  }
  await print(host.stdout, script);
}

interface World {
  readonly parsed: ParsedArguments;
  readonly host: Host;
  readonly commands: readonly Command[];
}

/** A line for each candidate, with what it means behind a tab; `:files` where paths may stand as well. */
async function replies(line: string, { parsed, host, commands }: World): Promise<string> {
  const words = splitLine(line).slice(1);
  const { words: known, files, images } = candidatesFor(words, commands);
  const names = images ? await imageNames(parsed, host) : [];
  const current = words.at(-1) ?? '';
  const lines = [...known, ...names].filter(({ word }) => word.startsWith(current)).map(replyLine);
  return [...lines, ...(files ? [':files'] : [])].map((text) => `${text}\n`).join('');
}

function replyLine({ word, about }: Candidate): string {
  return about === '' ? word : `${word}\t${plainLine(about)}`;
}

/** A store that cannot be read has none: a shell that completes is no place for errors. */
async function imageNames(parsed: ParsedArguments, host: Host): Promise<readonly Candidate[]> {
  try {
    await using toolchain = await openToolchain(parsed, host);
    const images = await toolchain.images();
    const names = images.flatMap(({ image: { name } }) => (name === null ? [] : [familiarName(name)]));
    return [...new Set(names)].sort().map((word) => ({ word, about: '' }));
  } catch (error) {
    if (isTsbuildError(error)) return [];
    throw error;
  }
}
