import type { OptionSpec } from './argv.js';
import { GLOBAL_OPTIONS, globalOptions, type Command } from './command.js';

/** What `tsbuild --help` prints, in the layout of Docker's. */
export function mainHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }): Row => [`  ${name}`, summary]);
  return [
    'Usage:  tsbuild [OPTIONS] COMMAND',
    '        tsbuild [OPTIONS] PATH | -     (short for tsbuild build)',
    '',
    'Builds container images from Dockerfiles: no daemon, no root, no Docker',
    '',
    'Commands:',
    ...aligned(rows),
    '',
    'Global options:',
    ...optionLines([...GLOBAL_OPTIONS, { name: 'version', short: 'v', kind: 'flag', about: 'Print the version' }]),
    '',
    "Run 'tsbuild COMMAND --help' for more information on a command.",
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const { name, operands, summary, options, about = [] } = command;
  const usage = ['tsbuild', name, '[OPTIONS]', operands].filter((word) => word !== '').join(' ');
  const own = options.length === 0 ? [] : ['', 'Options:', ...optionLines(options)];
  const more = about.length === 0 ? [] : ['', ...about];
  return [
    `Usage:  ${usage}`,
    '',
    summary,
    ...own,
    ...more,
    '',
    'Global options:',
    ...optionLines(globalOptions(command)),
    '',
  ].join('\n');
}

type Row = readonly [left: string, right: string];

function optionLines(options: readonly OptionSpec[]): string[] {
  const shown = options.filter(({ hidden }) => hidden !== true).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return aligned(
    shown.map(({ name, short, placeholder, about }): Row => {
      const letter = short === undefined ? '    ' : `-${short}, `;
      return [`  ${letter}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`, about];
    }),
  );
}

function aligned(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}   ${right}`);
}
