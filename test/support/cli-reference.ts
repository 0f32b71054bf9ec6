import type { OptionSpec } from '../../src/cli/argv.js';
import { GLOBAL_OPTIONS, globalOptions, type Command } from '../../src/cli/command.js';
import { VERSION } from '../../src/version.js';

const byName = (options: readonly OptionSpec[]): readonly OptionSpec[] =>
  options.filter(({ hidden }) => hidden !== true).toSorted((a, b) => (a.name < b.name ? -1 : 1));

const inCode = (text: string): string => `\`${text}\``;

function written({ name, short, placeholder }: OptionSpec): string {
  const long = `--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function usage({ name, operands }: Command): string {
  return ['tsbuild', name, '[OPTIONS]', operands].filter((word) => word !== '').join(' ');
}

/** All commands with their options, in Markdown. */
export function cliPage(commands: readonly Command[]): string {
  return [
    '# Command line',
    '',
    '<!-- Made from the tables in src/cli; see test/unit/cli/cli-doc.test.ts. -->',
    '',
    'Options are written `--name value`, `--name=value`, `-n value` or `-nvalue`; those of a `list` may be given several times. `tsbuild PATH`',
    'is short for `tsbuild build PATH`. What other builders have and tsbuild has not is refused by name, with what to do instead.',
    '',
    'Of every command:',
    '',
    ...optionList(GLOBAL_OPTIONS),
    ...commands.flatMap(section),
  ].join('\n');
}

function section(command: Command): readonly string[] {
  const { name, summary, options, about = [] } = command;
  return [
    '',
    `## tsbuild ${name}`,
    '',
    `${summary}: ${inCode(usage(command))}`,
    ...(byName(options).length === 0 ? [] : ['', ...optionList(options)]),
    ...(about.length === 0 ? [] : ['', '```text', ...about, '```']),
    '',
  ].slice(0, -1);
}

function optionList(options: readonly OptionSpec[]): readonly string[] {
  return byName(options).map((option) => `- ${inCode(written(option))}: ${escaped(option.about)}`);
}

const escaped = (text: string): string => text.replace(/[*_<>]/g, '\\$&');

/** man(7) of the whole, under `tsbuild`, and of each command. */
export function manPages(commands: readonly Command[]): ReadonlyMap<string, string> {
  return new Map([
    ['tsbuild', mainPage(commands)],
    ...commands.map((command): [string, string] => [`tsbuild-${command.name}`, commandPage(command)]),
  ]);
}

function mainPage(commands: readonly Command[]): string {
  return page('tsbuild', [
    ...['.SH NAME', 'tsbuild \\- build container images from Dockerfiles'],
    ...['.SH SYNOPSIS', '.B tsbuild', roff('[OPTIONS] COMMAND')],
    ...['.SH COMMANDS', ...commands.flatMap(({ name, summary }) => item(`tsbuild ${name}`, `${summary}.`))],
    ...['.SH OPTIONS', ...optionItems(GLOBAL_OPTIONS)],
    ...['.SH SEE ALSO', seeAlso(commands.map(({ name }) => `tsbuild-${name}`))],
  ]);
}

function commandPage(command: Command): string {
  const { name, operands, summary, options, about = [] } = command;
  return page(`tsbuild-${name}`, [
    ...['.SH NAME', `${roff(`tsbuild-${name}`)} \\- ${roff(summary)}`],
    ...['.SH SYNOPSIS', `.B tsbuild ${roff(name)}`, roff(`[OPTIONS] ${operands}`.trim())],
    ...(byName(options).length === 0 ? [] : ['.SH OPTIONS', ...optionItems(options)]),
    ...(about.length === 0 ? [] : ['.SH DESCRIPTION', '.nf', ...about.map(roff), '.fi']),
    ...['.SH GLOBAL OPTIONS', ...optionItems(globalOptions(command))],
    ...['.SH SEE ALSO', seeAlso(['tsbuild'])],
  ]);
}

function page(name: string, lines: readonly string[]): string {
  const header = `.TH "${roff(name.toUpperCase())}" "1" "" "tsbuild ${VERSION}" "tsbuild"`;
  return [header, ...lines, ''].join('\n');
}

function optionItems(options: readonly OptionSpec[]): readonly string[] {
  return byName(options).flatMap((option) => item(written(option), `${option.about}.`));
}

const item = (term: string, text: string): readonly string[] => ['.TP', `.B ${roff(term)}`, roff(text)];

const seeAlso = (names: readonly string[]): string => names.map((name) => `${roff(name)}(1)`).join(', ');

/** Nothing of it is a request or an escape. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&').replaceAll('"', '\\(dq');
}
