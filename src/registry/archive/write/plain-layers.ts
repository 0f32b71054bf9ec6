import { decompress } from '../../../layers/compression/decompress.js';
import { canonicalJson } from '../../../oci/canonical-json.js';
import { checkLayerCount } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import { digestOf, type Digest } from '../../../oci/digest.js';
import type { ImageManifest, RawConfig, RawManifest } from '../../../oci/image.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../../oci/media-type.js';
import type { BlobStore } from '../../../store/blob-store.js';
import { abortable } from '../../../support/byte-streams.js';

interface PlainLayersOptions {
  readonly blobs: BlobStore;
  /** Gets the blobs that were not in the store before. */
  readonly added: Set<Digest>;
  readonly signal: AbortSignal | undefined;
}

/**
 * The image with its zstd layers as plain tar, for Docker before 23 reads no zstd. The config, and with it the image's id and its
 * diffIds, stays as it is. An image without such layers is given back itself.
 * @throws `DIGEST_MISMATCH` when a layer is not what the config says
 */
export async function withPlainLayers(
  { manifest, config }: { readonly manifest: RawManifest; readonly config: RawConfig },
  options: PlainLayersOptions,
): Promise<RawManifest> {
  checkLayerCount(manifest, config);
  if (!manifest.value.layers.some(isZstd)) return manifest;
  const layers: Descriptor<LayerMediaType>[] = [];
  for (const [index, layer] of manifest.value.layers.entries()) {
    const diffId = config.value.rootfs.diff_ids[index];
    layers.push(isZstd(layer) && diffId !== undefined ? await plainLayer(layer, diffId, options) : layer);
  }
  return remade(manifest, layers);
}

function isZstd(layer: Descriptor<LayerMediaType>): boolean {
  return layer.mediaType === MEDIA_TYPE.ociLayerZstd;
}

async function plainLayer(
  layer: Descriptor<LayerMediaType>,
  diffId: Digest,
  { blobs, added, signal }: PlainLayersOptions,
): Promise<Descriptor<LayerMediaType>> {
  if (!(await blobs.has(diffId))) added.add(diffId);
  const tar = decompress(abortable(await blobs.open(layer), 'save archive', signal));
  const { digest, size } = await blobs.ingest(tar, { expect: { digest: diffId }, signal });
  return { mediaType: MEDIA_TYPE.ociLayer, digest, size };
}

function remade({ value }: RawManifest, layers: readonly Descriptor<LayerMediaType>[]): RawManifest {
  const changed: ImageManifest = { ...value, layers };
  const bytes = Buffer.from(canonicalJson(changed));
  return {
    descriptor: { mediaType: value.mediaType, digest: digestOf(bytes), size: bytes.length },
    bytes,
    value: changed,
  };
}
