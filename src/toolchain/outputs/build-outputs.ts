import { dirname } from 'node:path';
import type { BuildRequest, BuildResult } from '../../builder/build-request.js';
import type { BuildOutput, ByteSink, SavedAs } from './build-output.js';
import { distinctPlatforms } from '../../builder/joint/platform-requests.js';
import type { TarPart } from '../../layers/join-tars.js';
import { parseReference, withDefaultTag } from '../../oci/reference.js';
import type { Store } from '../../store/store.js';
import type { ProgressSink } from '../../builder/progress.js';
import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import type { PushedImage, Toolchain } from '../toolchain-types.js';
import type { ActivityOptions } from '../activity-options.js';

type Activity = Required<{ [K in keyof ActivityOptions]: NonNullable<ActivityOptions[K]> }>;

/** Results may hold what others on the machine should not read; docker save does the same. */
const OUTPUT_MODE = 0o600;

/** What a builder has to make for these outputs. @throws `USAGE`, before anything is built */
export function wantedBy(
  outputs: readonly BuildOutput[],
  { tags, platforms = [] }: Pick<BuildRequest, 'tags' | 'platforms'>,
): BuildRequest['wanted'] {
  if (distinctPlatforms(platforms).length > 1) outputs.forEach(refuseSeveralPlatforms);
  if (outputs.some((output) => 'push' in output && output.push !== undefined) && tags.length === 0) {
    throw new TsbuildError('USAGE', 'cannot push the image: it has no name', {
      hint: 'Name it with -t, as in -t registry.example/team/app:1.',
    });
  }
  const files = outputs.some(({ type }) => type === 'tar' || type === 'local');
  const image = outputs.some((output) => !WITHOUT_IMAGE.has(output.type) && !isPushedAsItIs(output));
  const pushed = !image && outputs.some(isPushedAsItIs);
  return [
    ...(image ? ['image' as const] : []),
    ...(pushed ? ['pushed' as const] : []),
    ...(files ? ['files' as const] : []),
  ];
}

/** The archive that `docker load` takes has room for one image by each name. */
function refuseSeveralPlatforms(output: BuildOutput): void {
  if (output.type !== 'engine' && (output.type !== 'archive' || output.format !== 'docker-archive')) return;
  throw new TsbuildError(
    'USAGE',
    'cannot make a type=docker output of several platforms: it has no place for an index',
    {
      hint: 'Build for one platform, as with --platform local; or push the image, or write it with type=oci.',
    },
  );
}

const WITHOUT_IMAGE: ReadonlySet<BuildOutput['type']> = new Set(['tar', 'local', 'cacheonly']);

/** Layers that the registry has need not be here, unless they have to be compressed otherwise. */
function isPushedAsItIs(output: BuildOutput): boolean {
  return output.type === 'registry' && output.push.compression === undefined;
}

export interface OutputContext extends Activity {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly toolchain: Pick<Toolchain, 'push' | 'save' | 'saveFiles'>;
  /** Of the first of these outputs among all that the builds have; absent: 0. */
  readonly firstNumber?: number | undefined;
  /** The names that were asked for. */
  readonly tags: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Hands a result to each place, in order. @returns what was pushed @throws `OUTPUT_FAILED`, `DISK_FULL`, what pushing throws, `ABORTED` */
export async function performOutputs(
  outputs: readonly BuildOutput[],
  result: BuildResult,
  context: OutputContext,
): Promise<readonly PushedImage[]> {
  const pushed: PushedImage[] = [];
  for (const [index, output] of outputs.entries()) {
    const label = labelOf(output);
    if (label === undefined) continue;
    const { progress, now } = context;
    const step = `output ${index + (context.firstNumber ?? 0)}`;
    progress({ type: 'step-planned', step, label: `[output] ${label}` });
    progress({ type: 'step-started', step, at: now() });
    // Transfers name the command that they are made for; here they are this step's.
    const ofStep: ProgressSink = (event) => {
      progress('step' in event ? { ...event, step } : event);
    };
    try {
      pushed.push(...(await performOutput(output, result, { ...context, progress: ofStep })));
    } catch (error) {
      if (isTsbuildError(error)) progress({ type: 'step-failed', step, at: now(), error: encodeError(error) });
      throw error;
    }
    progress({ type: 'step-done', step, at: now() });
  }
  return pushed;
}

/** What a user sees of it; nothing where there is nothing more to do. */
function labelOf(output: BuildOutput): string | undefined {
  switch (output.type) {
    case 'image':
      return output.push === undefined ? undefined : 'push the image';
    case 'registry':
      return 'push the image';
    case 'archive':
      return `write the image to ${typeof output.to === 'string' ? output.to : 'standard output'}`;
    case 'layout':
      return `write the image to ${output.folder}`;
    case 'engine':
      return 'hand the image to the container engine';
    case 'tar':
      return `write the files to ${typeof output.to === 'string' ? output.to : 'standard output'}`;
    case 'local':
      return `write the files to ${output.folder}`;
    case 'cacheonly':
      return undefined;
  }
}

async function performOutput(
  output: BuildOutput,
  result: BuildResult,
  context: OutputContext,
): Promise<readonly PushedImage[]> {
  switch (output.type) {
    case 'cacheonly':
      break;
    case 'image':
      return output.push === undefined ? [] : await pushAll(result, output.push, context);
    case 'registry':
      return await pushAll(result, output.push, context);
    case 'archive':
      await writeBytes(await archiveOf(result, output, context), output.to, context);
      break;
    case 'layout':
      await context.toolchain.saveFiles(namesOf(result), {
        ...activityOf(context),
        ...savedAs(output),
        format: 'oci-dir',
        output: output.folder,
      });
      break;
    case 'engine':
      await handOver(result, context);
      break;
    case 'tar':
      await writeBytes(await filesOf(result, output, context), output.to, context);
      break;
    case 'local':
      await extract(result, output, context);
  }
  return [];
}

async function pushAll(
  { names, stored, manifest, index, elsewhere: remote }: BuildResult,
  options: Extract<BuildOutput, { type: 'registry' }>['push'],
  context: OutputContext,
): Promise<readonly PushedImage[]> {
  const pushed: PushedImage[] = [];
  if (stored) {
    for (const name of names) pushed.push(await context.toolchain.push(name, { ...activityOf(context), ...options }));
    return pushed;
  }
  const { pushFromStore } = await import('../transfer/push-from-store.js');
  const image = { name: null, descriptor: manifest, index };
  for (const tag of context.tags) {
    const target = withDefaultTag(parseReference(tag));
    pushed.push(await pushFromStore({ image, target, remote }, options, context));
  }
  return pushed;
}

function archiveOf(
  result: BuildResult,
  output: Pick<Extract<BuildOutput, { type: 'archive' }>, 'format' | 'compress' | 'compressionLevel'>,
  context: OutputContext,
): Promise<AsyncIterable<Uint8Array>> {
  const { format } = output;
  return context.toolchain.save(namesOf(result), { ...activityOf(context), ...savedAs(output), format });
}

function savedAs({ compress, compressionLevel }: SavedAs): SavedAs {
  return { compress, compressionLevel };
}

/** An image without a name is known by its id, an index by its digest. */
function namesOf({ names, imageId, index }: BuildResult): readonly string[] {
  return names.length === 0 ? [index?.digest ?? imageId] : names;
}

async function handOver(result: BuildResult, context: OutputContext): Promise<void> {
  const { findEngine } = await import('../../registry/engine/find-engine.js');
  const { loadIntoEngine } = await import('../../registry/engine/engine-api.js');
  const engine = await findEngine(context.env, context.signal);
  await loadIntoEngine(engine, await archiveOf(result, { format: 'docker-archive' }, context), context.signal);
}

type FilesOutput = Extract<BuildOutput, { type: 'tar' | 'local' }>;

async function filesOf(
  { files, images, platform }: BuildResult,
  { platformSplit = images !== undefined }: FilesOutput,
  { store }: OutputContext,
): Promise<AsyncIterable<Uint8Array>> {
  const parts = images ?? [{ platform, files }];
  const tars = parts.map(({ platform: name, files: tar }): TarPart => {
    invariant(tar !== undefined, 'the files of the result were asked for');
    const folder = platformSplit ? name.replaceAll('/', '_') : undefined;
    return { name, folder, open: () => store.blobs.open(tar) };
  });
  const [only, ...more] = tars;
  if (only !== undefined && only.folder === undefined && more.length === 0) return await only.open();
  const { joinTars } = await import('../../layers/join-tars.js');
  return joinTars(tars);
}

async function extract(
  result: BuildResult,
  output: Extract<FilesOutput, { type: 'local' }>,
  context: OutputContext,
): Promise<void> {
  const { extractFiles } = await import('../../layers/extract-files.js');
  const { signal, progress } = context;
  await extractFiles(await filesOf(result, output, context), output.folder, {
    signal,
    onLeftOut: (path) => {
      progress({ type: 'warning', message: `left out device "${path}": a folder of files has no devices` });
    },
  });
}

async function writeBytes(
  content: AsyncIterable<Uint8Array>,
  to: string | ByteSink,
  { signal }: OutputContext,
): Promise<void> {
  if (typeof to === 'function') {
    await to(content);
    return;
  }
  const { writeOutputFile } = await import('../../support/output-file.js');
  await writeOutputFile(to, content, { cwd: dirname(to), mode: OUTPUT_MODE, signal });
}

function activityOf({ progress, signal }: OutputContext): Activity {
  return { progress, signal };
}
