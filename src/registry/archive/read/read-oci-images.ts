import { checkLayerCount, decodeConfig, decodeDescriptor, decodeIndex, decodeManifest } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import type { Digest } from '../../../oci/digest.js';
import type { ManifestDescriptor } from '../../../oci/image.js';
import { isIndexMediaType, isManifestMediaType, type ManifestMediaType } from '../../../oci/media-type.js';
import { formatPlatform, hostPlatform, type Platform } from '../../../oci/platform.js';
import { isAttestation, selectPlatform } from '../../../oci/select-platform.js';
import type { TsbuildError } from '../../../support/errors.js';
import { archiveInvalid } from '../archive-error.js';
import { SINCE_ANNOTATION } from '../since-annotation.js';
import {
  blobMember,
  documentBytes,
  layerMember,
  readContents,
  readImageName,
  type ArchiveImage,
  type StagedArchive,
  type TaggedReference,
  type WholeIndex,
} from './archive-image.js';
import { wholeIndex } from './whole-index.js';

/** An index in an index in an index is no image that anybody makes. */
const NESTING_LIMIT = 4;

/** Whether the archive is an OCI image layout (image-spec image-layout.md). */
export function isOciArchive({ members }: StagedArchive): boolean {
  return members.get('oci-layout') !== undefined && members.get('index.json') !== undefined;
}

/**
 * The images that `index.json` lists. Of an image for several platforms, the one for `platform`; unless it is given, for this
 * machine, else the only one there is.
 * @throws `ARCHIVE_INVALID`, `DOCUMENT_INVALID`, `PLATFORM_NOT_FOUND`
 */
export async function readOciImages(
  archive: StagedArchive,
  platform: Platform | undefined,
): Promise<readonly ArchiveImage[]> {
  checkLayout(archive);
  const images: ArchiveImage[] = [];
  for (const { mediaType, ...rest } of entriesOf(archive)) {
    if (!isManifestMediaType(mediaType) && !isIndexMediaType(mediaType)) continue;
    const descriptor = { ...rest, mediaType };
    if (isAttestation(descriptor)) continue;
    images.push(await readEntry(archive, descriptor, platform));
  }
  return images;
}

function checkLayout({ members }: StagedArchive): void {
  const layout = readContents(members, 'oci-layout');
  const version = isRecord(layout) ? layout['imageLayoutVersion'] : undefined;
  if (version === '1.0.0') return;
  throw archiveInvalid('its "oci-layout" is not of version 1.0.0', {
    hint: 'A newer program made the archive: have it make one of layout version 1.0.0.',
  });
}

/** What an archive was saved without, by name (`saveArchive`). */
export function savedSince({ members }: StagedArchive): readonly string[] {
  const index = readContents(members, 'index.json');
  const annotations = isRecord(index) ? index['annotations'] : undefined;
  const since = isRecord(annotations) ? annotations[SINCE_ANNOTATION] : undefined;
  if (typeof since !== 'string') return [];
  return since.slice(0, 2000).split(' ').filter(Boolean);
}

/** What `index.json` lists, images or not. @throws `ARCHIVE_INVALID`, `DOCUMENT_INVALID` */
export function entriesOf({ members }: StagedArchive): readonly Descriptor<string>[] {
  const index = readContents(members, 'index.json');
  const manifests = isRecord(index) ? index['manifests'] : undefined;
  if (!Array.isArray(manifests)) throw archiveInvalid('its "index.json" lists no manifests');
  return manifests.map((entry) => decodeDescriptor(entry, 'index.json'));
}

/** The first is containerd's and always the full name; the other may be a tag alone, which does not say of what. */
function namesOf({ annotations = {} }: ManifestDescriptor): readonly TaggedReference[] {
  const full = annotations['io.containerd.image.name'];
  const given = annotations['org.opencontainers.image.ref.name'];
  const text = full ?? (given !== undefined && /[:/]/.test(given) ? given : undefined);
  const name = text === undefined ? undefined : readImageName(text);
  return name === undefined ? [] : [name];
}

async function readEntry(
  archive: StagedArchive,
  entry: ManifestDescriptor,
  platform: Platform | undefined,
): Promise<ArchiveImage> {
  const descriptor = await manifestFor({ archive, platform }, entry, 0);
  const resolved = descriptor.digest === entry.digest ? undefined : entry.digest;
  const image = { ...(await readImage(archive, descriptor)), names: namesOf(entry), resolved };
  const whole = platform === undefined ? await readWhole(archive, entry, descriptor.digest) : undefined;
  return whole === undefined ? image : { ...image, whole };
}

async function readWhole(
  archive: StagedArchive,
  { mediaType, digest, size }: ManifestDescriptor,
  chosen: Digest,
): Promise<WholeIndex | undefined> {
  if (!isIndexMediaType(mediaType)) return undefined;
  const found = await wholeIndex(archive, { mediaType, digest, size });
  if (found === undefined) return undefined;
  const others: ArchiveImage[] = [];
  for (const { mediaType: type, ...rest } of found.images) {
    if (rest.digest === chosen || !isManifestMediaType(type)) continue;
    others.push({ ...(await readImage(archive, { ...rest, mediaType: type })), names: [] });
  }
  return { descriptor: found.descriptor, documents: found.documents, blobs: found.blobs, others };
}

async function manifestFor(
  search: { readonly archive: StagedArchive; readonly platform: Platform | undefined },
  descriptor: ManifestDescriptor,
  depth: number,
): Promise<Descriptor<ManifestMediaType>> {
  const { archive, platform } = search;
  const { mediaType, annotations: _names, ...rest } = descriptor;
  if (!isIndexMediaType(mediaType)) return { ...rest, mediaType };
  if (depth === NESTING_LIMIT) throw archiveInvalid(`its index "${rest.digest}" is in too many others`);
  const member = blobMember(archive.members, rest);
  const bytes = await documentBytes(member, archive.blobs, rest.digest);
  const index = decodeIndex(bytes, { ...rest, mediaType });
  const present = index.value.manifests.filter((entry) => !isAttestation(entry) && isPresent(archive, entry.digest));
  const chosen =
    selectPlatform({ ...index.value, manifests: present }, platform ?? hostPlatform()) ??
    (platform === undefined ? onlyOne(present) : undefined);
  if (chosen === undefined) throw noPlatform(rest.digest, platform ?? hostPlatform());
  return await manifestFor(search, chosen, depth + 1);
}

async function readImage(
  archive: StagedArchive,
  descriptor: Descriptor<ManifestMediaType>,
): Promise<Omit<ArchiveImage, 'names'>> {
  const { members, blobs } = archive;
  const manifestBytes = await documentBytes(blobMember(members, descriptor), blobs, descriptor.digest);
  const manifest = decodeManifest(manifestBytes, descriptor);
  const configDescriptor = manifest.value.config;
  const configBytes = await documentBytes(blobMember(members, configDescriptor), blobs, configDescriptor.digest);
  const config = decodeConfig(configBytes, configDescriptor);
  checkLayerCount(manifest, config);
  return { manifest, config, layers: manifest.value.layers.map((layer) => layerMember(members, layer)) };
}

function isPresent({ members }: StagedArchive, digest: Digest): boolean {
  return members.get(`blobs/${digest.replace(':', '/')}`) !== undefined;
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

/** @param image its name or digest */
export function noPlatform(image: string, platform: Platform): TsbuildError {
  const wanted = formatPlatform(platform);
  return archiveInvalid(`it has no variant of "${image}" for ${wanted}`, {
    code: 'PLATFORM_NOT_FOUND',
    hint: `Save the image again for ${wanted}, or choose what the archive has with --platform.`,
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
