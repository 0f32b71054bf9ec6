import { decompress } from '../../layers/compression/decompress.js';
import { createDigester, digestAlgorithm, type Digest } from '../../oci/digest.js';
import type { BlobReader } from '../../store/blob-store.js';
import { abortable } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import { createLimiter } from '../../support/limiter.js';
import type { ArchiveImage } from './archive-image.js';
import { layerCompression } from './layer-compression.js';
import type { StagedMember } from './stage-members.js';

/** Decompression goes on in other threads; more at once than this would only wait for the one that digests. */
const CONCURRENCY = 2;

interface VerifyOptions {
  readonly blobs: BlobReader;
  readonly signal: AbortSignal | undefined;
}

/**
 * Checks that every layer holds the tar that its image's config says. Others do not: engines skip layers that they have already,
 * and podman and containerd take an image whose config names other layers.
 * @throws `DIGEST_MISMATCH`; `LAYER_INVALID` when a layer cannot be decompressed
 */
export async function verifyLayers(images: readonly ArchiveImage[], { blobs, signal }: VerifyOptions): Promise<void> {
  const limiter = createLimiter(CONCURRENCY);
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  const checks = layersOf(images).map(async (layer) => {
    try {
      await limiter.run(async () => verifyLayer(layer, { blobs, signal: either }), { signal: either });
    } catch (error) {
      failures.push(error);
      stop.abort();
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

/** Each once. A layer whose blob is the tar itself needs no second look: its bytes have been digested. */
function layersOf(images: readonly ArchiveImage[]): readonly LayerToVerify[] {
  const layers = new Map<string, LayerToVerify>();
  for (const { config, layers: members } of images) {
    for (const [index, diffId] of config.value.rootfs.diff_ids.entries()) {
      const member = members[index];
      if (member === undefined) continue;
      if (member.digest === diffId && layerCompression(member.magic) === 'none') continue;
      layers.set(`${member.digest} ${diffId}`, { member, diffId });
    }
  }
  return [...layers.values()];
}

async function verifyLayer({ member, diffId }: LayerToVerify, { blobs, signal }: VerifyOptions): Promise<void> {
  const digester = createDigester(digestAlgorithm(diffId));
  const bytes = abortable(await blobs.open(member), 'check a layer', signal);
  for await (const chunk of decompress(bytes)) digester.update(chunk);
  const found = digester.finish().digest;
  if (found === diffId) return;
  throw new TsbuildError(
    'DIGEST_MISMATCH',
    `cannot load layer "${member.digest}": its diffId is ${found}, and the image config says ${diffId}`,
    {
      hint: 'The archive was changed or damaged after it was made; make it again.',
      details: { expected: diffId, found },
    },
  );
}
