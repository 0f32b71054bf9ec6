import type { ParsedArguments } from '../argv.js';
import type { Command } from '../command.js';
import { commandHelp, mainHelp } from '../help.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { unknownCommand } from '../errors/unknown-command.js';

export async function run(parsed: ParsedArguments, host: Host, commands: readonly Command[]): Promise<void> {
  const [name] = parsed.positionals;
  const command = commands.find((each) => each.name === name);
  if (name !== undefined && command === undefined) throw unknownCommand(name, commands);
  await print(host.stdout, command === undefined ? mainHelp(commands) : commandHelp(command));
}
