import type { ImageIndex, ManifestDescriptor } from './image.js';
import { formatPlatform, normalizePlatform, runnablePlatforms, type Platform } from './platform.js';

/**
 * The entry of an index that runs best on `wanted`: the same platform, else the nearest older variant of it; of equals the
 * first. Entries that are no images (attestations are listed as `unknown/unknown`) and those without a platform are passed over.
 */
export function selectPlatform(index: ImageIndex, wanted: Platform): ManifestDescriptor | undefined {
  const offered = new Map<string, ManifestDescriptor>();
  for (const entry of index.manifests) {
    if (entry.platform === undefined || isAttestation(entry)) continue;
    const name = formatPlatform(normalizePlatform(entry.platform));
    if (!offered.has(name)) offered.set(name, entry);
  }
  for (const name of runnablePlatforms(normalizePlatform(wanted))) {
    const entry = offered.get(name);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** The platforms of an index for people to read, in its order. */
export function listPlatforms(index: ImageIndex): readonly string[] {
  const names = index.manifests.flatMap((entry) =>
    entry.platform === undefined || isAttestation(entry) ? [] : [formatPlatform(normalizePlatform(entry.platform))],
  );
  return [...new Set(names)];
}

/** BuildKit lists what it attests about an image beside the image, as a manifest of no platform. */
export function isAttestation(entry: ManifestDescriptor): boolean {
  const { platform, annotations } = entry;
  return platform?.os === 'unknown' || annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
}
