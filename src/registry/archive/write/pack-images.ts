import { packArchive, type ArchiveMember } from '../../../layers/tar/archive.js';
import { decodeConfig, decodeManifest, DOCUMENT_LIMIT } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import type { Digest } from '../../../oci/digest.js';
import type { EncodedManifest, RawManifest } from '../../../oci/image.js';
import { isIndexMediaType, isManifestMediaType } from '../../../oci/media-type.js';
import { abortable, collect, throwIfAborted } from '../../../support/byte-streams.js';
import { compareBytes } from '../../../support/byte-string.js';
import { primaryManifest, type ImageContent } from '../../copy/image-content.js';
import type { TaggedReference } from '../read/archive-image.js';
import { archiveDocuments, blobPath, type ArchiveFormat, type ListedImage } from './archive-documents.js';

export interface ArchivedImage {
  readonly content: ImageContent;
  readonly names: readonly TaggedReference[];
  /** As of `ListedImage`. */
  readonly ref?: string | undefined;
}

/** What whoever gets the archive has already. */
export interface SavedSince {
  readonly digests: ReadonlySet<Digest>;
  /** Where those are from, for a message to who lacks them. */
  readonly names: readonly string[];
}

export interface PackOptions {
  readonly format: ArchiveFormat;
  readonly since?: SavedSince | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of configs and layers that have just been read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** The configs and layers that an archive of these images has, each once. */
export function packedBlobs(
  images: readonly ArchivedImage[],
  since: SavedSince | undefined,
): readonly Descriptor<string>[] {
  const blobs = new Map<Digest, Descriptor<string>>();
  for (const { content } of images) {
    for (const blob of content.blobs) if (since?.digests.has(blob.digest) !== true) blobs.set(blob.digest, blob);
  }
  return [...blobs.values()];
}

/** A tar archive of images, the same bytes for the same images and names: members sorted by name, blobs that are shared once. */
export async function* packImages(
  images: readonly ArchivedImage[],
  options: PackOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const listed: ListedImage[] = [];
  for (const image of images) listed.push(await listImage(image, options.signal));
  const { format, since } = options;
  yield* packArchive(members(images, archiveDocuments(listed, { format, since: since?.names ?? [] }), options));
}

/** @throws `DOCUMENT_INVALID` */
export async function listImage(
  { content, names, ref }: ArchivedImage,
  signal: AbortSignal | undefined,
): Promise<ListedImage> {
  const { root } = content;
  const manifest = asManifest(primaryManifest(content));
  if (manifest === undefined) return { root, names, ref, platform: undefined, primary: undefined };
  const primary = {
    config: manifest.value.config.digest,
    layers: manifest.value.layers.map(({ digest }) => digest),
  };
  if (isIndexMediaType(root.mediaType)) return { root, names, ref, platform: undefined, primary };
  const { config: descriptor } = manifest.value;
  const config = decodeConfig(await collect(await content.open(descriptor, { signal }), DOCUMENT_LIMIT), descriptor);
  const { os, architecture, variant } = config.value;
  return { root, names, ref, primary, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
}

function asManifest(document: EncodedManifest | undefined): RawManifest | undefined {
  if (document === undefined) return undefined;
  const { mediaType } = document.descriptor;
  return isManifestMediaType(mediaType)
    ? decodeManifest(document.bytes, { ...document.descriptor, mediaType })
    : undefined;
}

async function* members(
  images: readonly ArchivedImage[],
  written: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  { since, signal, onBytes }: PackOptions,
): AsyncGenerator<ArchiveMember, void, undefined> {
  const documents = new Map<string, Uint8Array>(written.map(({ name, bytes }) => [name, bytes]));
  const openers = new Map<Digest, ImageContent['open']>();
  for (const { content } of images) {
    for (const { descriptor, bytes } of content.documents) documents.set(blobPath(descriptor.digest), bytes);
    for (const { digest } of content.blobs) openers.set(digest, content.open);
  }
  const blobs = new Map(packedBlobs(images, since).map((blob) => [blobPath(blob.digest), blob]));
  const folders = new Set([...blobs.keys(), ...documents.keys()].flatMap(foldersOf));
  for (const name of [...folders, ...new Set([...blobs.keys(), ...documents.keys()])].toSorted(compareBytes)) {
    throwIfAborted('save archive', signal);
    const blob = blobs.get(name);
    const open = blob === undefined ? undefined : openers.get(blob.digest);
    const bytes = documents.get(name) ?? new Uint8Array();
    if (blob === undefined || open === undefined) yield { name, size: bytes.byteLength, body: bytes };
    else yield { name, size: blob.size, body: counted(await open(blob, { signal }), { signal, onBytes }) };
  }
}

/** `blobs/sha256/<hex>` is in `blobs/` and `blobs/sha256/`. */
function foldersOf(name: string): readonly string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  { signal, onBytes }: Pick<PackOptions, 'signal' | 'onBytes'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of abortable(source, 'save archive', signal)) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}
