import type { BuildResult } from '../builder/build-request.js';

/** What `--metadata-file` has, under the names that docker buildx has for it. */
export function buildMetadata({ imageId, manifest, index, names, pushed = [] }: BuildResult): string {
  // What the registry has is what the digest is used for.
  const { mediaType, digest, size } = pushed[0] ?? index ?? manifest;
  const metadata = {
    // An index has a config for each of its platforms: none is the one.
    ...(index === undefined ? { 'containerimage.config.digest': imageId } : {}),
    'containerimage.descriptor': { mediaType, digest, size },
    'containerimage.digest': digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
