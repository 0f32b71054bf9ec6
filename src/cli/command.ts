import type { ArgumentsSpec, OptionSpec, ParsedArguments } from './argv.js';
import type { Host } from './host.js';

/** One command of `tsbuild`. The table of them is loaded at every start: what a command does is loaded when it is called. */
export interface Command {
  readonly name: string;
  /** What follows the name in the usage line, without the options: `SOURCE TARGET`. */
  readonly operands: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** Lines below the options in the help text. */
  readonly about?: readonly string[];
  readonly positionals: ArgumentsSpec['positionals'];
  readonly unsupported?: readonly string[];
  /** What to do instead of using an option that Docker has and this command will not have, by its name or letter. */
  readonly instead?: Readonly<Record<string, string>>;
  /** What follows the first argument are arguments, whatever they look like. */
  readonly optionsFirst?: true;
  /** Of every failure that is ours, where the status of success is another program's. */
  readonly failureStatus?: number;
  readonly load: () => Promise<CommandModule>;
}

export interface CommandModule {
  /** Resolves when the command has succeeded; every failure is thrown. `commands` is the table that the command is in. */
  readonly run: (parsed: ParsedArguments, host: Host, commands: readonly Command[]) => Promise<void>;
}

/** Options of every command, written before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'store',
    kind: 'value',
    placeholder: 'directory',
    about: 'Where images and the build cache are kept (default: TSBUILD_STORE, else below the home directory)',
  },
  {
    name: 'additional-store',
    kind: 'list',
    placeholder: 'directory',
    about: 'Read images and layers from another store as well, and write nothing to it (TSBUILD_ADDITIONAL_STORES)',
  },
  { name: 'help', short: 'h', kind: 'flag', about: 'Print usage' },
];

/** Without the letters that the command has for others, as Docker's run has -h. */
export function globalOptions({ options }: Pick<Command, 'options'>): readonly OptionSpec[] {
  const taken = new Set(options.map(({ short }) => short));
  return GLOBAL_OPTIONS.map(({ short, ...option }) =>
    short === undefined || taken.has(short) ? option : { ...option, short },
  );
}

export function argumentsSpec(command: Command): ArgumentsSpec {
  const { name, options, positionals, unsupported, instead, optionsFirst } = command;
  return {
    command: `tsbuild ${name}`,
    options: [...options, ...globalOptions(command)],
    positionals,
    ...(unsupported === undefined ? {} : { unsupported }),
    ...(instead === undefined ? {} : { instead }),
    ...(optionsFirst === undefined ? {} : { optionsFirst }),
  };
}
