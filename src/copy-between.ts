import type { ProgressSink } from './builder/progress.js';
import { LayerCompressor } from './compress-layer.js';
import { platformChoice } from './image-archives.js';
import { copyImage } from './registry/copy/copy-image.js';
import type { ImageLocation } from './registry/copy/image-location.js';
import type { RegistryClient } from './registry/registry-client.js';
import { openRegistryClient } from './registry-access.js';
import type { Store } from './store/store.js';
import type { CopiedImage, CopyOptions } from './toolchain-types.js';
import { transferEvents } from './transfer-events.js';

export interface CopyContext extends Pick<CopyOptions, 'platforms'> {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

/** One copy, with the registry client that it may need. */
export async function copyBetween(from: ImageLocation, to: ImageLocation, context: CopyContext): Promise<CopiedImage> {
  const { store, env, progress, signal } = context;
  const compressor = new LayerCompressor(store, { signal });
  let client: Promise<RegistryClient> | undefined;
  try {
    const { digest } = await copyImage({
      from,
      to,
      platforms: platformChoice(context.platforms),
      store,
      client: async () => await (client ??= openRegistryClient({ env, progress })),
      compress: async (layer, compression) => await compressor.compress(layer, compression),
      onBlob: transferEvents(progress, { step: 'copy', direction: to.transport === 'docker' ? 'push' : 'pull' }),
      signal,
    });
    return { digest };
  } finally {
    await (await client)?.close();
  }
}
