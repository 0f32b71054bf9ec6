import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CommandLine, CopyInstruction, Instruction, RunInstruction } from '../../../src/parser/instruction.js';
import { isTsbuildError } from '../../../src/support/errors.js';
import { parse } from './parsing.js';

/** Odd Dockerfiles, made at random, and what BuildKit's own parser was seen to make of them. */
interface Observed {
  readonly from: string;
  readonly cases: readonly {
    readonly text: string;
    readonly refused?: true;
    /** Each instruction but FROM: the keyword, and as JSON what it consists of. */
    readonly commands?: readonly string[];
  }[];
}

const observed = JSON.parse(readFileSync(new URL('observed-parses.json', import.meta.url), 'utf8')) as Observed;

test.each(observed.cases)('as BuildKit has it: $text', ({ text, commands }) => {
  expect(commandsOf(text)).toEqual(commands ?? 'refused');
});

function commandsOf(text: string): readonly string[] | 'refused' {
  try {
    const { globalArgs, stages } = parse(text);
    const all = [...globalArgs, ...stages.flatMap(({ instructions }) => instructions)];
    return all.map((one) => `${one.keyword} ${JSON.stringify(partsOf(one))}`);
  } catch (error) {
    if (isTsbuildError(error)) return 'refused';
    throw error;
  }
}

function partsOf(one: Instruction): readonly unknown[] {
  switch (one.keyword) {
    case 'RUN':
      return partsOfRun(one);
    case 'COPY':
    case 'ADD':
      return partsOfCopy(one);
    case 'ENV':
    case 'LABEL':
    case 'ARG':
      return one.entries.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
    case 'CMD':
    case 'ENTRYPOINT':
      return words(one.command);
    case 'HEALTHCHECK':
      return one.command === null ? ['NONE'] : checkWords(one.command);
    default:
      return partsOfSetting(one);
  }
}

function partsOfSetting(
  one: Extract<
    Instruction,
    { keyword: 'SHELL' | 'EXPOSE' | 'VOLUME' | 'USER' | 'WORKDIR' | 'STOPSIGNAL' | 'MAINTAINER' | 'ONBUILD' }
  >,
): readonly unknown[] {
  switch (one.keyword) {
    case 'SHELL':
      return one.shell;
    case 'EXPOSE':
      return one.ports;
    case 'VOLUME':
      return one.paths;
    case 'USER':
      return [one.user];
    case 'WORKDIR':
      return [one.path];
    case 'STOPSIGNAL':
      return [one.signal];
    case 'MAINTAINER':
      return [one.name];
    case 'ONBUILD':
      return [one.trigger];
  }
}

function partsOfRun({ command, network, security, devices }: RunInstruction): readonly unknown[] {
  const flags = {
    ...(network !== 'default' && { network }),
    ...(security !== 'sandbox' && { security }),
    ...(devices.length > 0 && { devices }),
  };
  if (command.form === 'heredoc') return [flags, { heredoc: [command.heredoc.name, command.heredoc.content] }];
  return [flags, ...words(command)];
}

function partsOfCopy(copy: CopyInstruction): readonly unknown[] {
  const { chown, chmod, link, from, parents, exclude, keepGitDir, checksum, unpack } = copy;
  const flags = {
    ...(chown !== undefined && { chown }),
    ...(chmod !== undefined && { chmod }),
    ...(link && { link }),
    ...(from !== undefined && { from }),
    ...(parents && { parents }),
    ...(checksum !== undefined && { checksum }),
    ...(exclude.length > 0 && { exclude }),
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...(unpack !== undefined && { unpack }),
  };
  const files = copy.files.map(({ name, content, expand }) => ({ name, content, expand }));
  return [flags, ...copy.sources, ...files, copy.destination];
}

function words(command: CommandLine): readonly unknown[] {
  return command.form === 'shell' ? [{ shell: command.script }] : command.argv;
}

function checkWords(command: CommandLine): readonly string[] {
  return command.form === 'shell' ? ['CMD-SHELL', command.script] : ['CMD', ...command.argv];
}
