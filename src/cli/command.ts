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

export function argumentsSpec(command: Command): ArgumentsSpec {
  return {
    command: `tsbuild ${command.name}`,
    options: [...command.options, ...GLOBAL_OPTIONS],
    positionals: command.positionals,
    ...(command.unsupported === undefined ? {} : { unsupported: command.unsupported }),
  };
}
