import { parseReference, repositoryName, withDefaultTag } from '../../oci/reference.js';
import type { PushOptions } from '../../toolchain-types.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { platform } from '../build-request.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { compressionLevel } from './compression-level.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

/** Docker's words. */
const LAYER_LINES = { moved: 'Pushed', existed: 'Layer already exists' };

const PUSH = { command: 'tsbuild push' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [name = ''] = parsed.positionals;
  const given = parseReference(name);
  const reference = withDefaultTag(given);
  const quiet = parsed.flag('quiet');
  const options = { signal: host.signal, platform: platform(parsed.value('platform')), ...formOf(parsed) };
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

type Form = Pick<PushOptions, 'compression' | 'compressionLevel' | 'forceCompression' | 'format'>;

/** In what form the layers and documents are sent. */
function formOf(parsed: ParsedArguments): Form {
  const compression = choice(parsed, 'compression', ['gzip', 'zstd']);
  const format = choice(parsed, 'format', ['docker', 'oci']);
  const forceCompression = parsed.flag('force-compression');
  if (compression === undefined && forceCompression) {
    const state = 'cannot use --force-compression: no compression is given';
    throw usageError(PUSH, state, 'Say which with --compression.');
  }
  if (compression === 'zstd' && format === 'docker') {
    throw usageError(PUSH, "cannot use --compression zstd together with --format docker: Docker's format has no zstd");
  }
  const level = compressionLevel(parsed, compression ?? 'gzip', PUSH.command);
  return { compression, compressionLevel: level, forceCompression, format };
}

function choice<T extends string>(parsed: ParsedArguments, option: string, values: readonly T[]): T | undefined {
  const text = parsed.value(option);
  if (text === undefined) return undefined;
  const value = values.find((each) => each === text);
  if (value !== undefined) return value;
  const state = `cannot use --${option} "${text}": no such ${option}`;
  throw usageError(PUSH, state, `Use ${values.join(' or ')}.`);
}
