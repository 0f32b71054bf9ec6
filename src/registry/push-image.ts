import type { Readable } from 'node:stream';
import { decodeManifest } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import { digestOf } from '../oci/digest.js';
import type { ImageTarget } from '../oci/image-transfer.js';
import type { RawManifest } from '../oci/image.js';
import { MEDIA_TYPE, type LayerMediaType, type ManifestMediaType } from '../oci/media-type.js';
import { withDefaultTag, type Reference } from '../oci/reference.js';
import type { StoredImage } from '../store/image-store.js';
import type { Store } from '../store/store.js';
import { invariant } from '../support/invariant.js';
import { blobProgress, type BlobSink } from './blob-event.js';
import type { RegistryClient } from './registry-client.js';
import { transferAll } from './transfer-all.js';

export interface PushOptions {
  readonly image: StoredImage;
  readonly target: Reference;
  readonly client: RegistryClient;
  readonly store: Pick<Store, 'blobs' | 'images'>;
  /**
   * Makes a gzip blob of an uncompressed layer in the store, and says what it is. Deterministic: the second push of a layer
   * finds in the registry what the first has put there.
   */
  readonly compressLayer: (
    layer: Descriptor<LayerMediaType>,
    signal: AbortSignal,
  ) => Promise<Descriptor<LayerMediaType>>;
  readonly onBlob?: BlobSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends an image to a registry: blobs first, then the manifest under the target's tag. Layers that tsbuild keeps uncompressed
 * are sent gzipped, in a manifest that says so; what was pulled or loaded compressed goes byte for byte as it came.
 * @returns the descriptor of the manifest as the registry now has it
 * @throws `REGISTRY_*`, `ABORTED`, and what the store and `compressLayer` throw
 */
export async function pushImage(options: PushOptions): Promise<Descriptor<ManifestMediaType>> {
  const { image, client, store, signal } = options;
  const { tag, registry, repository } = withDefaultTag(options.target);
  const target = client.repository({ registry, repository });
  const stored = await store.images.manifest(image.descriptor);
  const push = blobPusher(target, options);
  const layers = await transferAll(
    stored.value.layers,
    async (layer, stop) => {
      const sent = isUncompressed(layer) ? await compressed(layer, stop, options) : layer;
      await push(sent, stop);
      return sent;
    },
    signal,
  );
  await transferAll([stored.value.config], push, signal);
  const manifest = withLayers(stored, layers);
  await target.pushManifest(manifest, { ...(tag === undefined ? {} : { tag }), signal });
  return manifest.descriptor;
}

type PushBlob = (blob: Descriptor, signal: AbortSignal) => Promise<void>;

/** A blob that an image names twice is sent once. */
function blobPusher(target: ImageTarget, { store, onBlob }: PushOptions): PushBlob {
  const begun = new Set<string>();
  return async (blob, signal) => {
    if (begun.has(blob.digest) || isElsewhere(blob)) return;
    begun.add(blob.digest);
    const { onBytes, finish } = blobProgress(blob, onBlob);
    const open = async (): Promise<Readable> => await store.blobs.open({ digest: blob.digest, size: blob.size });
    finish((await target.pushBlob({ descriptor: blob, open }, { onBytes, signal })) !== 'uploaded');
  };
}

/** Layers that may not be distributed are fetched from where their URLs say (image-spec layer.md, "Non-Distributable Layers"). */
function isElsewhere({ mediaType, urls = [] }: Descriptor): boolean {
  return mediaType === MEDIA_TYPE.dockerForeignLayerGzip && urls.length > 0;
}

function isUncompressed({ mediaType }: Descriptor): boolean {
  return mediaType === MEDIA_TYPE.ociLayer || mediaType === MEDIA_TYPE.dockerLayer;
}

async function compressed(
  layer: Descriptor<LayerMediaType>,
  signal: AbortSignal,
  { compressLayer }: PushOptions,
): Promise<Descriptor<LayerMediaType>> {
  const { digest, size } = await compressLayer(layer, signal);
  // The types of a manifest are either all of OCI's or all of Docker's.
  const mediaType = layer.mediaType === MEDIA_TYPE.dockerLayer ? MEDIA_TYPE.dockerLayerGzip : MEDIA_TYPE.ociLayerGzip;
  return { ...layer, mediaType, digest, size };
}

/** The manifest itself when nothing was compressed, else one like it that names what was sent. */
function withLayers(manifest: RawManifest, layers: readonly Descriptor<LayerMediaType>[]): RawManifest {
  if (layers.every((layer, index) => layer === manifest.value.layers[index])) return manifest;
  const document: unknown = JSON.parse(Buffer.from(manifest.bytes).toString('utf8'));
  invariant(typeof document === 'object' && document !== null, 'a stored manifest has been decoded before');
  const bytes = Buffer.from(JSON.stringify({ ...document, layers }));
  return decodeManifest(bytes, { ...manifest.descriptor, digest: digestOf(bytes), size: bytes.byteLength });
}
