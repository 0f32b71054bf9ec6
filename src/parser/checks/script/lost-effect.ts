import type { Finding } from '../finding.js';
import type { ShellCommand } from './shell-command.js';

/** What the last commands of a RUN do to a shell that ends right behind them. */
export function lostEffects(commands: readonly ShellCommand[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const command of commands.toReversed()) {
    const found = lostEffect(command);
    if (found === undefined) break;
    findings.unshift(...found);
  }
  return findings;
}

const NO_EFFECT: readonly Finding[] = [];

/** By the name of the command; the empty one is that of assignments alone. */
const EFFECTS: ReadonlyMap<string, (command: ShellCommand) => readonly Finding[]> = new Map([
  ['', ({ assignments }: ShellCommand) => assignments.map(({ raw }) => lostVariable(raw, raw))],
  ...['export', 'declare', 'typeset'].map((name) => [name, lostSettings] as const),
  ...['set', 'shopt', 'umask', 'ulimit', 'true', ':'].map((name) => [name, () => NO_EFFECT] as const),
  ['alias', (command) => [lostAlias(command)]],
  ...['source', '.'].map((name) => [name, (command: ShellCommand) => [lostActivation(command)]] as const),
  ...['cd', 'pushd'].map((name) => [name, (command: ShellCommand) => [lostDirectory(command)]] as const),
]);

/** `undefined` for a command that does something which lasts. */
function lostEffect(command: ShellCommand): readonly Finding[] | undefined {
  const effect = EFFECTS.get(command.name);
  if (effect !== undefined) return effect(command);
  if (/^(?:conda|mamba)$/.test(command.name) && command.args[0]?.text === 'activate') return [lostActivation(command)];
  return startsService(command) ? [lostService(command)] : undefined;
}

function lostSettings({ name, args }: ShellCommand): readonly Finding[] {
  const settings = args.map(({ raw }) => raw).filter((word) => word.includes('='));
  return settings.map((setting) => lostVariable(`${name} ${setting}`, setting));
}

function lostAlias(command: ShellCommand): Finding {
  const message = `"${shown(command)}" is forgotten when the step ends: put a script into /usr/local/bin instead`;
  return { rule: 'tsbuild/LostVariable', message };
}

function lostVariable(written: string, setting: string): Finding {
  const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(setting) ?? [];
  const advice = /[$`]\(|`/.test(value)
    ? 'use it in the same RUN, joined with &&'
    : `write "ENV ${cut(`${name}=${value}`)}", or ARG for the build alone`;
  return { rule: 'tsbuild/LostVariable', message: `"${cut(written)}" is lost when the step ends: ${advice}` };
}

function lostActivation(command: ShellCommand): Finding {
  const path = command.args[0]?.text ?? '';
  const advice = /(?:^|\/)bin\/activate$/.test(path)
    ? `write "ENV PATH=${path.replace(/\/?activate$/, '')}:$PATH"`
    : 'join what needs it to the same RUN with &&, or write ENV';
  return {
    rule: 'tsbuild/LostVariable',
    message: `what "${shown(command)}" sets is lost when the step ends: ${advice}`,
  };
}

function lostDirectory(command: ShellCommand): Finding {
  const [directory] = command.args;
  const advice = directory === undefined ? 'write WORKDIR' : `write "WORKDIR ${cut(directory.text)}"`;
  return {
    rule: 'tsbuild/LostDirectory',
    message: `"${shown(command)}" holds to the end of the step only: ${advice}, or join the next command with &&`,
  };
}

function startsService({ name, args, then }: ShellCommand): boolean {
  const words = args.map(({ text }) => text);
  if (then === '&') return true;
  if (name === 'service') return words[1] === 'start' || words[1] === 'restart';
  return name === 'systemctl' && (words[0] === 'start' || words[0] === 'restart');
}

function lostService(command: ShellCommand): Finding {
  return {
    rule: 'tsbuild/LostService',
    message: `what "${shown(command)}" starts is ended with the step: start it in the step that needs it, or by CMD`,
  };
}

function shown({ name, args, then }: ShellCommand): string {
  const tail = then === '&' ? ' &' : '';
  return cut([name, ...args.map(({ raw }) => raw)].join(' ') + tail);
}

const LONGEST = 60;

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}...`;
}
