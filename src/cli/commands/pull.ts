import { familiarName, parseReference, withDefaultTag } from '../../oci/reference.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { platform } from '../build-request.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

/** Docker's words. */
const LAYER_LINES = {
  started: 'Pulling fs layer',
  resumed: 'Resuming download',
  moved: 'Pull complete',
  existed: 'Already exists',
};

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [name = ''] = parsed.positionals;
  const given = parseReference(name);
  const reference = withDefaultTag(given);
  const quiet = parsed.flag('quiet');
  if (parsed.flag('all-platforms') && parsed.value('platform') !== undefined) {
    throw usageError({ command: 'tsbuild pull' }, 'cannot use --platform together with --all-platforms');
  }
  const options = {
    signal: host.signal,
    platform: platform(parsed.value('platform')),
    allPlatforms: parsed.flag('all-platforms'),
  };
  if (!quiet) {
    const assumed = given.tag === reference.tag ? '' : `Using default tag: ${reference.tag ?? ''}\n`;
    const what = reference.tag ?? reference.digest ?? '';
    await print(host.stdout, `${assumed}${what}: Pulling from ${reference.repository}\n`);
  }
  const pulled = await runTransfer(host, { title: 'Pulling', quiet, layerLines: LAYER_LINES }, async (progress) => {
    await using toolchain = await openToolchain(parsed, host, [name]);
    return await toolchain.pull(name, { ...options, progress });
  });
  const familiar = familiarName(reference);
  const status = pulled.changed ? `Downloaded newer image for ${familiar}` : `Image is up to date for ${familiar}`;
  const report = quiet ? '' : `Digest: ${pulled.digest}\nStatus: ${status}\n`;
  await print(host.stdout, `${report}${pulled.name}\n`);
}
