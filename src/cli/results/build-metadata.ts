import type { BuildResult } from '../../builder/build-request.js';

/** What `--metadata-file` has, under the names that docker buildx has for it. */
export function buildMetadata(result: BuildResult): string {
  return `${JSON.stringify(metadataOf(result), null, 2)}\n`;
}

export function metadataOf({ imageId, manifest, index, names, pushed = [] }: BuildResult): object {
  // What the registry has is what the digest is used for.
  const { mediaType, digest, size } = pushed[0] ?? index ?? manifest;
  return {
    // An index has a config for each of its platforms: none is the one.
    ...(index === undefined ? { 'containerimage.config.digest': imageId } : {}),
    'containerimage.descriptor': { mediaType, digest, size },
    'containerimage.digest': digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
}
