import { canonicalJson } from '../../../oci/canonical-json.js';
import { digestAlgorithm, digestHex, type Digest } from '../../../oci/digest.js';
import type { RawConfig, RawManifest } from '../../../oci/image.js';
import { MEDIA_TYPE } from '../../../oci/media-type.js';
import { formatReference, repositoryName } from '../../../oci/reference.js';
import type { TaggedReference } from '../read/archive-image.js';

export interface SavedImage {
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  readonly names: readonly TaggedReference[];
}

/** Where an OCI layout has a blob (image-spec image-layout.md). */
export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The documents beside the blobs: what an OCI layout needs, and what Docker reads instead. */
export function archiveDocuments(
  images: readonly SavedImage[],
): readonly { readonly name: string; readonly bytes: Buffer }[] {
  const repositories = repositoriesOf(images);
  const documents: readonly (readonly [name: string, value: unknown])[] = [
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
    ['index.json', { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: images.flatMap(indexEntries) }],
    ['manifest.json', images.map(dockerItem)],
    ...(Object.keys(repositories).length === 0 ? [] : ([['repositories', repositories]] as const)),
  ];
  return documents.map(([name, value]) => ({ name, bytes: Buffer.from(canonicalJson(value)) }));
}

/** An entry a name. containerd and podman take the full name from the first annotation; the other has the tag, as Docker writes it. */
function indexEntries({ manifest, config, names }: SavedImage): readonly unknown[] {
  const { mediaType, digest, size } = manifest.descriptor;
  const { os, architecture, variant } = config.value;
  const entry = { mediaType, digest, size, platform: { os, architecture, variant } };
  if (names.length === 0) return [entry];
  return names.map((name) => ({
    ...entry,
    annotations: { 'io.containerd.image.name': formatReference(name), 'org.opencontainers.image.ref.name': name.tag },
  }));
}

/** Full names: Docker shortens them, and podman would take short ones for its own (localhost/…). */
function dockerItem({ manifest, config, names }: SavedImage): unknown {
  return {
    Config: blobPath(config.descriptor.digest),
    RepoTags: names.length === 0 ? null : names.map(formatReference),
    Layers: manifest.value.layers.map(({ digest }) => blobPath(digest)),
  };
}

/** Docker's list of before 1.10: for each name, its topmost layer. */
function repositoriesOf(images: readonly SavedImage[]): Readonly<Record<string, unknown>> {
  const repositories = new Map<string, Map<string, string>>();
  for (const { manifest, names } of images) {
    const top = manifest.value.layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) {
      const tags = repositories.get(repositoryName(name)) ?? new Map<string, string>();
      repositories.set(repositoryName(name), tags.set(name.tag, digestHex(top.digest)));
    }
  }
  return Object.fromEntries([...repositories].map(([repository, tags]) => [repository, Object.fromEntries(tags)]));
}
