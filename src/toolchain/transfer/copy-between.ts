import type { ProgressSink } from '../../builder/progress.js';
import { LayerCompressor } from './compress-layer.js';
import { platformChoice } from './image-archives.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import { copyImage } from '../../registry/copy/copy-image.js';
import type { ImageLocation } from '../../registry/copy/image-location.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import { openRegistryClient } from './registry-access.js';
import type { Store } from '../../store/store.js';
import type { CopiedImage, CopyOptions } from '../toolchain-types.js';
import { compressionEvents, transferEvents } from './transfer-events.js';

export interface CopyContext extends Pick<CopyOptions, 'platforms'> {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registries?: RegistrySettings | undefined;
  readonly progress: ProgressSink;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** One copy, with the registry client that it may need. */
export async function copyBetween(from: ImageLocation, to: ImageLocation, context: CopyContext): Promise<CopiedImage> {
  const { store, env, registries, progress, now, signal } = context;
  const direction = to.transport === 'docker' ? 'push' : 'pull';
  const progressOf = compressionEvents(progress, { step: 'copy', now });
  const compressor = new LayerCompressor(store, { signal, progressOf });
  let client: Promise<RegistryClient> | undefined;
  try {
    const { digest } = await copyImage({
      from,
      to,
      platforms: platformChoice(context.platforms),
      store,
      client: async () => await (client ??= openRegistryClient({ env, registries, progress, purpose: direction })),
      compress: async (layer, compression) => await compressor.compress(layer, compression),
      onBlob: transferEvents(progress, { step: 'copy', direction, now }),
      signal,
    });
    return { digest };
  } finally {
    await (await client)?.close();
  }
}
