import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { formatSize } from '../text/size.js';
import { formatTable } from '../text/table.js';
import { escapeControls } from '../text/terminal-text.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  if (!parsed.flag('cache-mounts')) {
    throw usageError(
      { command: 'tsbuild prune' },
      'cannot prune: nothing is named',
      'Give --cache-mounts; images and all that only they need go with "tsbuild rmi".',
    );
  }
  const dryRun = parsed.flag('dry-run');
  await using toolchain = await openToolchain(parsed, host);
  const pruned = await toolchain.pruneCacheMounts({ dryRun, signal: host.signal });
  if (pruned.length > 0) {
    const rows = pruned.map(({ id, bytes }) => [escapeControls(id), formatSize(bytes)]);
    await print(host.stdout, formatTable([['CACHE MOUNT', 'SIZE'], ...rows]));
  }
  const total = formatSize(pruned.reduce((sum, { bytes }) => sum + bytes, 0));
  await print(host.stdout, `${dryRun ? 'Would reclaim' : 'Reclaimed'}: ${total}\n`);
}
