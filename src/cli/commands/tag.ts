import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [source = '', target = ''] = parsed.positionals;
  await using toolchain = await openToolchain(parsed, host);
  await toolchain.tag(source, target);
}
