import type { Instruction, OnbuildInstruction } from '../instruction.js';
import { withHeredocs } from '../lines/heredoc.js';
import { parseCommand, parseHealthcheck, parseShell } from './command-instructions.js';
import { parseCopy } from './copy-instructions.js';
import { refuseFlags } from './flags.js';
import { parseArg, parseEnv, parseLabel } from './key-value-instructions.js';
import { type RawInstruction, syntaxError } from './raw-instruction.js';
import { parseRun } from './run/parse-run.js';
import {
  parseExpose,
  parseMaintainer,
  parseStopSignal,
  parseUser,
  parseVolume,
  parseWorkdir,
} from './setting-instructions.js';
import { splitInstruction } from './split-instruction.js';
import { unknownInstruction } from './unknown-instruction.js';

const PARSERS: Readonly<Record<Instruction['keyword'], (raw: RawInstruction) => Instruction>> = {
  ADD: (raw) => parseCopy(raw, 'ADD'),
  ARG: parseArg,
  CMD: (raw) => parseCommand(raw, 'CMD'),
  COPY: (raw) => parseCopy(raw, 'COPY'),
  ENTRYPOINT: (raw) => parseCommand(raw, 'ENTRYPOINT'),
  ENV: parseEnv,
  EXPOSE: parseExpose,
  HEALTHCHECK: parseHealthcheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopSignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
};

/** @throws TsbuildError DOCKERFILE_SYNTAX */
export function parseInstruction(raw: RawInstruction): Instruction {
  if (!isKeyword(raw.keyword)) throw unknownInstruction(raw, Object.keys(PARSERS));
  return PARSERS[raw.keyword](raw);
}

function isKeyword(text: string): text is Instruction['keyword'] {
  return Object.hasOwn(PARSERS, text);
}

/** Where the trigger begins in the line of an ONBUILD. */
export function triggerStart(line: string): number {
  return /^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i.exec(line)?.[0].length ?? 0;
}

/** These cannot stand behind ONBUILD. */
const FORBIDDEN_TRIGGERS = ['ONBUILD', 'FROM', 'MAINTAINER'];

function parseOnbuild(raw: RawInstruction): OnbuildInstruction {
  refuseFlags(raw);
  if (raw.args.text === '') {
    throw syntaxError(raw, 'it has no instruction to trigger', { hint: 'Write as in "ONBUILD COPY . /app".' });
  }
  const triggered = splitInstruction(raw.args.text, raw.escape).keyword.text.toUpperCase();
  if (FORBIDDEN_TRIGGERS.includes(triggered)) {
    throw syntaxError(raw, `${triggered} cannot be triggered`, { hint: 'Any other instruction can stand there.' });
  }
  // The text behind the keyword, blanks at its end included: so BuildKit stores it.
  const trigger = raw.line.slice(triggerStart(raw.line));
  return { keyword: 'ONBUILD', source: raw.source, text: raw.text, trigger: withHeredocs(trigger, raw.heredocs) };
}
