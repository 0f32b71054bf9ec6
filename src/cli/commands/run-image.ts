import { parseReference, withDefaultTag } from '../../oci/reference.js';
import type { ImageDetails, Toolchain } from '../../toolchain/toolchain-types.js';
import type { RunResult } from '../../sandbox/sandbox.js';
import type { ProgressSink } from '../../builder/progress.js';
import { parsePlatform, type Platform } from '../../oci/platform.js';
import { isTsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { EndWithStatus } from '../errors/end-with-status.js';
import type { Host } from '../host.js';
import { readImageRun } from '../image-run/image-run-options.js';
import { print } from '../output-stream.js';
import { exitStatusOf } from '../visit/exit-status.js';
import { openVisit, requireTerminal } from '../visit/open-visit.js';
import { choose } from './choose.js';
import { openToolchain } from './open-toolchain.js';
import { openTransferRenderer } from './transfer-activity.js';

const RUN = { command: 'tsbuild run' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const visitor = { input: parsed.flag('interactive'), terminal: parsed.flag('tty') };
  if (visitor.terminal) requireTerminal(host, visitor);
  const pull = choose(parsed.value('pull'), PULL_POLICIES, '--pull') ?? 'missing';
  const [name = ''] = parsed.positionals;
  const given = await readImageRun(parsed, host);
  const renderer = await openTransferRenderer(host, { title: 'Preparing', quiet: parsed.flag('quiet') });
  let shown = true;
  const endShow = async (outcome: Parameters<typeof renderer.finish>[0]): Promise<void> => {
    if (shown) await renderer.finish(outcome);
    shown = false;
  };
  await using toolchain = await openToolchain(parsed, host);
  const kill = new AbortController();
  const signal = AbortSignal.any([host.signal, kill.signal]);
  let result: RunResult;
  try {
    const wanted = { name, platform: given.platform, pull };
    const { image, config } = await imageToRun(toolchain, wanted, { progress: renderer.sink, signal });
    const stopSignal = given.stopSignal ?? config.value.config.StopSignal;
    const request = { ...given.request, manifest: image.descriptor };
    result = await toolchain.runImage(request, {
      progress: renderer.sink,
      signal,
      openVisit: async () => {
        await endShow({ kind: 'done' });
        return openVisit(host, { ...visitor, output: host.stdout, stopSignal, kill });
      },
    });
  } catch (error) {
    await endShow({ kind: 'failed', error });
    if (kill.signal.aborted && isTsbuildError(error, 'ABORTED')) throw new EndWithStatus(KILLED);
    throw error;
  }
  await print(host.stdout, '');
  const status = exitStatusOf(result);
  if (status !== 0) throw new EndWithStatus(status);
}

/** 128 and SIGKILL's number. */
const KILLED = 137;

const PULL_POLICIES = { missing: 'missing', always: 'always', never: 'never' } as const;

interface WantedImage {
  readonly name: string;
  readonly platform: string | undefined;
  readonly pull: keyof typeof PULL_POLICIES;
}

/** From the store, by name, digest or id; else from its registry. */
async function imageToRun(
  toolchain: Toolchain,
  { name, platform, pull }: WantedImage,
  activity: { readonly progress: ProgressSink; readonly signal: AbortSignal },
): Promise<ImageDetails> {
  if (pull !== 'always') {
    const present = await presentImage(toolchain, name, pull === 'never' || !isReference(name));
    if (present !== undefined && suits(present, platform, pull)) return present;
  }
  await toolchain.pull(name, { ...activity, platform });
  return await toolchain.image(name);
}

function isReference(name: string): boolean {
  try {
    withDefaultTag(parseReference(name));
    return true;
  } catch (error) {
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return false;
    throw error;
  }
}

async function presentImage(toolchain: Toolchain, name: string, required: boolean): Promise<ImageDetails | undefined> {
  try {
    return await toolchain.image(name);
  } catch (error) {
    if (required || !isTsbuildError(error, 'IMAGE_NOT_FOUND')) throw error;
    return undefined;
  }
}

/** An image is run as it is unless another platform is asked for, or it was pulled for another one. */
function suits({ config }: ImageDetails, platform: string | undefined, pull: WantedImage['pull']): boolean {
  if (platform === undefined) return true;
  const [is, wanted]: readonly Platform[] = [config.value, parsePlatform(platform)];
  if (is?.os === wanted?.os && is?.architecture === wanted?.architecture) return true;
  if (pull !== 'never') return false;
  throw usageError(RUN, `cannot run the image for "${platform}": the store has the one for another platform`);
}
