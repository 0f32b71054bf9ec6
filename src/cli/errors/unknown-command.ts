import { suggest } from '../../support/suggest.js';
import { usageError } from '../argv.js';
import type { Command } from '../command.js';

/** The error for a word that is neither a command nor a path, with the command that may have been meant. */
export function unknownCommand(name: string, commands: readonly Command[]): Error {
  const names = commands.map((command) => command.name);
  const near = suggest(name, names);
  const looksLikePath = name.includes('/') || name.startsWith('.');
  const state = looksLikePath ? 'no such folder, and no such command' : 'no such command, and no such folder to build';
  const advice = near === undefined ? undefined : `Did you mean 'tsbuild ${near}'?`;
  return usageError({ command: 'tsbuild' }, `cannot run "${name}": ${state}`, advice);
}
