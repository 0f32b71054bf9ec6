import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { VERSION } from '../../version.js';

export async function run(_: ParsedArguments, host: Host): Promise<void> {
  await print(host.stdout, `tsbuild ${VERSION}\n`);
}
