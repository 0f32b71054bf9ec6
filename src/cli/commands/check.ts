import type { ParsedArguments } from '../argv.js';
import { formatOf } from '../calls/call.js';
import { runCall } from '../calls/run-call.js';
import type { Host } from '../host.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const written = parsed.value('format') ?? 'text';
  const format = formatOf(written, `--format "${written}"`);
  await runCall({ name: 'check', format, ignoreStatus: false }, parsed, host);
}
