import { parseImageLocation } from '../../registry/copy/image-location.js';
import { formatReference } from '../../oci/reference.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { platformList } from './platform-list.js';
import { runTransfer } from './transfer-activity.js';

/** As of push and pull, which a copy is both of. */
const LAYER_LINES = { moved: 'Copied', existed: 'Already exists' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [from = '', to = ''] = parsed.positionals;
  const [source, destination] = [parseImageLocation(from, host.cwd), parseImageLocation(to, host.cwd)];
  const given = platformList(parsed.list('platform'));
  if (given !== undefined && parsed.flag('all')) {
    throw usageError({ command: 'tsbuild copy' }, 'cannot use --platform with --all: that is every platform');
  }
  const names = [source, destination].flatMap((place) =>
    place.transport === 'docker' ? [formatReference(place.reference)] : [],
  );
  const platforms = parsed.flag('all') ? 'all' : given;
  const quiet = parsed.flag('quiet');
  const view = { title: 'Copying', quiet, layerLines: LAYER_LINES, progress: parsed.value('progress') };
  const copied = await runTransfer(host, view, async (progress) => {
    await using toolchain = await openToolchain(parsed, host, names);
    return await toolchain.copy(source, destination, { platforms, progress, signal: host.signal });
  });
  await print(host.stdout, quiet ? `${copied.digest}\n` : `Digest: ${copied.digest}\n`);
}
