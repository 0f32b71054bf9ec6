import { parsePlatform } from '../../oci/platform.js';
import { formatReference, type Reference } from '../../oci/reference.js';
import { LayerCompressor } from './compress-layer.js';
import { openRegistryClient } from './registry-access.js';
import { pushImage } from '../../registry/push-image.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import { remoteMounts, withRemoteBlobs, type RemoteBlob } from '../../registry/remote-blobs.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import type { PushedImage, PushOptions } from '../toolchain-types.js';
import { compressionEvents, transferEvents } from './transfer-events.js';

export interface PushContext {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registries?: RegistrySettings | undefined;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface PushedFrom {
  readonly image: StoredImage;
  readonly target: Reference & { readonly tag?: string };
  /** Layers of the image that the store lacks: the registry has them, or they are fetched on the way. */
  readonly remote?: readonly RemoteBlob[] | undefined;
}

/** Sends an image whose documents are in the store. @throws as `pushImage` */
export async function pushFromStore(
  { image, target, remote = [] }: PushedFrom,
  options: PushOptions,
  { store, env, registries, progress, signal, now }: PushContext,
): Promise<PushedImage> {
  const { compression, format } = options;
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const timed = { step: 'push', now };
  const progressOf = compressionEvents(progress, timed);
  const compressor = new LayerCompressor(store, { signal, level: options.compressionLevel, progressOf });
  using _lock = await store.lock('shared', { signal });
  const client = await openRegistryClient({ env, registries, progress, purpose: 'push' });
  const blobs = remote.length === 0 ? store.blobs : withRemoteBlobs(store.blobs, remote, { client, signal });
  try {
    const { mediaType, digest, size } = await pushImage({
      image,
      target,
      platform,
      compression,
      force: options.forceCompression,
      format,
      client,
      store,
      blobs,
      mountSources: remoteMounts(remote, target),
      compressLayer: (layer, wanted, stop) => compressor.compress(layer, wanted, stop),
      onBlob: transferEvents(progress, { ...timed, direction: 'push' }),
      signal,
    });
    // As after a pull: the registry now has the name, by this digest.
    if (image.name !== null && formatReference(image.name) === formatReference(target))
      await store.images.put({ ...image, resolved: digest });
    return { name: formatReference(target), mediaType, digest, size };
  } finally {
    await client.close();
  }
}
