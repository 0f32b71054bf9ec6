import type { Digest } from '../../../oci/digest.js';
import { archiveInvalid } from '../archive-error.js';
import { createLimiter } from '../../../support/limiter.js';
import type { CompleteImage } from './archive-image.js';
import type { ContentDigests } from './content-digests.js';
import { layerCompression } from './layer-compression.js';
import type { StagedMember } from './stage-members.js';
import { layerPair, type KnownLayers } from './stored-layers.js';

/** Decompression goes on in other threads; more at once than this would only wait for the one that digests. */
const CONCURRENCY = 2;

interface VerifyOptions {
  readonly contents: ContentDigests;
  readonly known: KnownLayers;
  readonly signal: AbortSignal | undefined;
}

/**
 * Checks that every layer holds the tar that its image's config says. Others do not: engines skip layers that they have already,
 * and podman and containerd take an image whose config names other layers.
 * @throws `DIGEST_MISMATCH`; `LAYER_INVALID` when a layer cannot be decompressed
 */
export async function verifyLayers(images: readonly CompleteImage[], options: VerifyOptions): Promise<void> {
  const { contents, known, signal } = options;
  const limiter = createLimiter(CONCURRENCY);
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const failures: unknown[] = [];
  const checks = layersOf(images, await pairsFor(images, known)).map(async ({ member, diffId }) => {
    try {
      await limiter.run(async () => verifyLayer(member, diffId, contents), { signal: stop });
    } catch (error) {
      failures.push(error);
      failed.abort();
    }
  });
  await Promise.all(checks);
  // The first is the cause; the others were stopped by it.
  if (failures.length > 0) throw failures[0];
}

interface LayerToVerify {
  readonly member: StagedMember;
  readonly diffId: Digest;
}

/** What the store's images say of its layers is asked for only where a layer is the store's. */
async function pairsFor(images: readonly CompleteImage[], known: KnownLayers): Promise<ReadonlySet<string>> {
  return images.some(({ layers }) => layers.some(({ fromStore }) => fromStore)) ? (await known()).pairs : new Set();
}

/**
 * Each once. A layer whose blob is the tar itself needs no second look: its bytes have been digested. Nor does one that was not in
 * the archive, when an image that is in the store already says the same of it.
 */
function layersOf(images: readonly CompleteImage[], pairs: ReadonlySet<string>): readonly LayerToVerify[] {
  const layers = new Map<string, LayerToVerify>();
  for (const { config, layers: members } of images) {
    for (const [index, diffId] of config.value.rootfs.diff_ids.entries()) {
      const member = members[index];
      if (member === undefined) continue;
      const pair = layerPair(member.digest, diffId);
      if (member.digest === diffId && layerCompression(member.magic) === 'none') continue;
      if (member.fromStore && pairs.has(pair)) continue;
      layers.set(pair, { member, diffId });
    }
  }
  return [...layers.values()];
}

async function verifyLayer(member: StagedMember, diffId: Digest, contents: ContentDigests): Promise<void> {
  const found = await contents.of(member, diffId);
  if (found === diffId) return;
  throw archiveInvalid(`its layer "${member.digest}" has the diffId ${found}, and the image config says ${diffId}`, {
    code: 'DIGEST_MISMATCH',
    hint: 'The archive was changed or damaged after it was made; make it again.',
    details: { expected: diffId, found },
  });
}
