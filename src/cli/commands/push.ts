import { parseReference, repositoryName, withDefaultTag } from '../../oci/reference.js';
import type { ParsedArguments } from '../argv.js';
import { platform } from '../build-request.js';
import type { Host } from '../host.js';
import { pushedAs, readImageForm } from '../options/image-form.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

/** Docker's words. */
const LAYER_LINES = { moved: 'Pushed', existed: 'Layer already exists' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [name = ''] = parsed.positionals;
  const given = parseReference(name);
  const reference = withDefaultTag(given);
  const quiet = parsed.flag('quiet');
  const options = {
    signal: host.signal,
    platform: platform(parsed.value('platform')),
    ...pushedAs(readImageForm(parsed, 'tsbuild push')),
  };
  if (!quiet) {
    const assumed = given.tag === reference.tag ? '' : `Using default tag: ${reference.tag ?? ''}\n`;
    await print(host.stdout, `${assumed}The push refers to repository [${repositoryName(reference)}]\n`);
  }
  const pushed = await runTransfer(host, { title: 'Pushing', quiet, layerLines: LAYER_LINES }, async (progress) => {
    await using toolchain = await openToolchain(parsed, host, [name]);
    return await toolchain.push(name, { ...options, progress });
  });
  const what = reference.tag ?? reference.digest ?? '';
  await print(host.stdout, quiet ? `${pushed.name}\n` : `${what}: digest: ${pushed.digest} size: ${pushed.size}\n`);
}
