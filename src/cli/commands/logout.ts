import { logout, registryOf } from '../../toolchain/transfer/login.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { environment } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [server = 'docker.io'] = parsed.positionals;
  const registry = registryOf(server);
  const removed = await logout(registry, { env: environment(parsed, host) });
  const text = removed ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`;
  await print(host.stdout, text);
}
