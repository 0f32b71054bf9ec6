import type { RunCommand, RunInstruction } from '../../instruction.js';
import { chompedContent, parseHeredocWord, withHeredocs } from '../../lines/heredoc.js';
import { quoted } from '../../quoted.js';
import { didYouMean } from '../../suggestion.js';
import { isEmptyCommand, parseCommandLine } from '../command-instructions.js';
import { type Flag, readFlags } from '../flags.js';
import { mountFrom } from './mount-options.js';
import { parseDevice } from './parse-device.js';
import { type RawInstruction, syntaxError } from '../raw-instruction.js';

const NETWORKS = ['default', 'none', 'host'] as const;
const SECURITIES = ['sandbox', 'insecure'] as const;

/** Of a mount only that is checked which no variable can change: BuildKit reads the rest when it needs the stage. */
export function parseRun(raw: RawInstruction): RunInstruction {
  const flags = readFlags(raw, {
    mount: { takes: 'texts' },
    network: { takes: 'text' },
    security: { takes: 'text' },
    device: { takes: 'texts' },
  });
  const mounts = flags.all('mount').map(({ value, source }) => ({ text: value, source }));
  mounts.forEach(mountFrom);
  const network = readChoice(raw, flags.get('network'), { what: 'network', choices: NETWORKS });
  const security = readChoice(raw, flags.get('security'), { what: 'security mode', choices: SECURITIES });
  const devices = flags.all('device').map((flag) => parseDevice(raw, flag));
  return {
    keyword: 'RUN',
    source: raw.source,
    text: raw.text,
    command: parseRunCommand(raw),
    network: network ?? 'default',
    security: security ?? 'sandbox',
    mounts,
    devices,
  };
}

function readChoice<Choice extends string>(
  raw: RawInstruction,
  flag: Flag | undefined,
  { what, choices }: { readonly what: string; readonly choices: readonly Choice[] },
): Choice | undefined {
  if (flag === undefined) return undefined;
  const choice = choices.find((known) => known === flag.value);
  if (choice !== undefined) return choice;
  const list = `Choose ${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}.`;
  throw syntaxError(raw, `${quoted(flag.value)} is no ${what}`, {
    source: flag.source,
    hint: didYouMean(flag.value, choices) ?? list,
  });
}

function parseRunCommand(raw: RawInstruction): RunCommand {
  const command = parseCommandLine(raw, raw.args.text);
  if (isEmptyCommand(command)) {
    throw syntaxError(raw, 'it has no command', { hint: 'Write the command behind it, as in "RUN make install".' });
  }
  const [first] = raw.heredocs;
  if (first === undefined || command.form === 'exec') return command;
  if (parseHeredocWord(raw.args.text) === undefined) {
    return { form: 'shell', script: withHeredocs(raw.args.text, raw.heredocs) };
  }
  return {
    form: 'heredoc',
    heredoc: { name: first.name, content: chompedContent(first), expand: first.expand, source: first.source },
  };
}
