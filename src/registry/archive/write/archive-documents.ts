import { canonicalJson } from '../../../oci/canonical-json.js';
import { digestAlgorithm, digestHex, type Digest } from '../../../oci/digest.js';
import type { ManifestDescriptor } from '../../../oci/image.js';
import { MEDIA_TYPE } from '../../../oci/media-type.js';
import type { Platform } from '../../../oci/platform.js';
import { formatReference, repositoryName } from '../../../oci/reference.js';
import { IMAGE_NAME, REF_NAME } from '../../../store/images/layout-index.js';
import type { TaggedReference } from '../read/archive-image.js';
import { SINCE_ANNOTATION } from '../since-annotation.js';

/** `docker-archive` has what every `docker load` reads beside the OCI layout, which is all of an `oci-archive`. */
export type ArchiveFormat = 'docker-archive' | 'oci-archive';

/** What the documents of an archive say of an image. */
export interface ListedImage {
  readonly root: ManifestDescriptor;
  /** Of an image that is for one. */
  readonly platform: Platform | undefined;
  readonly names: readonly TaggedReference[];
  /** What `oci:` and `oci-archive:` of other tools call it; unless given, the tag of each name, as Docker writes it. */
  readonly ref?: string | undefined;
  /** What a reader gets that knows no index. */
  readonly primary: { readonly config: Digest; readonly layers: readonly Digest[] } | undefined;
}

export interface DocumentOptions {
  readonly format: ArchiveFormat;
  /** Names of what the archive is saved without. */
  readonly since: readonly string[];
}

/** Where an OCI layout has a blob (image-spec image-layout.md). */
export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

export const LAYOUT_DOCUMENT: { readonly imageLayoutVersion: string } = { imageLayoutVersion: '1.0.0' };

/** The documents beside the blobs: what an OCI layout needs, and what Docker reads instead. */
export function archiveDocuments(
  images: readonly ListedImage[],
  { format, since }: DocumentOptions,
): readonly { readonly name: string; readonly bytes: Buffer }[] {
  const annotations = since.length === 0 ? {} : { annotations: { [SINCE_ANNOTATION]: since.join(' ') } };
  const manifests = images.flatMap(indexEntries);
  const documents: readonly (readonly [name: string, value: unknown])[] = [
    ['oci-layout', LAYOUT_DOCUMENT],
    ['index.json', { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests, ...annotations }],
    ...(format === 'docker-archive' ? dockerDocuments(images) : []),
  ];
  return documents.map(([name, value]) => ({ name, bytes: Buffer.from(canonicalJson(value)) }));
}

/** An entry a name. containerd and podman take the full name from the first annotation; the other has the tag, as Docker writes it. */
export function indexEntries({ root, platform, names, ref }: Omit<ListedImage, 'primary'>): readonly object[] {
  const { mediaType, digest, size } = root;
  const entry = { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) };
  if (names.length === 0) return [ref === undefined ? entry : { ...entry, annotations: { [REF_NAME]: ref } }];
  return names.map((name) => ({
    ...entry,
    annotations: { [IMAGE_NAME]: formatReference(name), [REF_NAME]: ref ?? name.tag },
  }));
}

function dockerDocuments(images: readonly ListedImage[]): readonly (readonly [name: string, value: unknown])[] {
  const repositories = repositoriesOf(images);
  return [
    ['manifest.json', images.flatMap(dockerItem)],
    ...(Object.keys(repositories).length === 0 ? [] : ([['repositories', repositories]] as const)),
  ];
}

/** Full names: Docker shortens them, and podman would take short ones for its own (localhost/…). */
function dockerItem({ primary, names }: ListedImage): readonly object[] {
  if (primary === undefined) return [];
  const RepoTags = names.length === 0 ? null : names.map(formatReference);
  return [{ Config: blobPath(primary.config), RepoTags, Layers: primary.layers.map(blobPath) }];
}

/** Docker's list of before 1.10: for each name, its topmost layer. */
function repositoriesOf(images: readonly ListedImage[]): Readonly<Record<string, unknown>> {
  const repositories = new Map<string, Map<string, string>>();
  for (const { primary, names } of images) {
    const top = primary?.layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) {
      const tags = repositories.get(repositoryName(name)) ?? new Map<string, string>();
      repositories.set(repositoryName(name), tags.set(name.tag, digestHex(top)));
    }
  }
  return Object.fromEntries([...repositories].map(([repository, tags]) => [repository, Object.fromEntries(tags)]));
}
