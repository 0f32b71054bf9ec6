import { existsSync } from 'node:fs';
import { bootstrapConfig } from '../../builder/bootstrap/bootstrap-image.js';
import { bootstrapChanges } from '../../builder/bootstrap/bootstrap-layer.js';
import type { BuildResult } from '../../builder/build-request.js';
import { document, imageManifest } from '../../builder/image/assemble-image.js';
import { storeImage } from '../../builder/image/store-image.js';
import { commitLayer } from '../../layers/commit-layer.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import { formatPlatform, hostPlatform } from '../../oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import type { Store } from '../../store/store.js';
import type { BootstrapRequest } from '../toolchain-types.js';

export interface BootstrapImageOptions {
  readonly store: Store;
  /** The caller's PATH, for programs named without a slash. */
  readonly searchPath: string;
  readonly signal: AbortSignal;
}

/** A base image of the host's own programs, in one layer. The same host and request give the same image. */
export async function bootstrapImage(
  { tag, include }: BootstrapRequest,
  { store, searchPath, signal }: BootstrapImageOptions,
): Promise<BuildResult> {
  const { registry, repository, tag: version = 'latest' } = withDefaultTag(parseReference(tag));
  const changes = bootstrapChanges({ include, searchPath: usableDirectories(searchPath) });
  const { descriptor, diffId } = await commitLayer({ changes, blobs: store.blobs, signal });
  const config = document(MEDIA_TYPE.ociConfig, bootstrapConfig({ platform: hostPlatform(), diffId, include }));
  const manifest = imageManifest(config.descriptor, [descriptor]);
  const name = { registry, repository, tag: version };
  await storeImage(store, { config, manifest }, [name]);
  return {
    imageId: config.descriptor.digest,
    manifest: manifest.descriptor,
    platform: formatPlatform(hostPlatform()),
    stored: true,
    names: [formatReference(name)],
    steps: { total: 1, cached: 0 },
  };
}

/** The absolute directories of a PATH. What this user may not enter is passed over, as a shell does it. */
function usableDirectories(searchPath: string): readonly string[] {
  return searchPath.split(':').filter((path) => path.startsWith('/') && existsSync(path));
}
