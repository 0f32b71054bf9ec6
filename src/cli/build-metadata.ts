import type { BuildResult } from '../builder/build-request.js';

/** What `--metadata-file` has, under the names that docker buildx has for it. */
export function buildMetadata({ imageId, manifest, names, pushed = [] }: BuildResult): string {
  // What the registry has is what the digest is used for.
  const { mediaType, digest, size } = pushed[0] ?? manifest;
  const metadata = {
    'containerimage.config.digest': imageId,
    'containerimage.descriptor': { mediaType, digest, size },
    'containerimage.digest': digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
