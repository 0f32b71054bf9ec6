import type { Readable } from 'node:stream';
import { decodeIndex, decodeLinks, decodeManifest, isConfigMediaType, isLayerMediaType } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { EncodedManifest, ManifestDescriptor } from '../../oci/image.js';
import type { TransferOptions } from '../../oci/image-transfer.js';
import { isIndexMediaType, isManifestMediaType } from '../../oci/media-type.js';
import { formatPlatform, hostPlatform, type Platform } from '../../oci/platform.js';
import { isAttestation, listPlatforms, selectPlatform } from '../../oci/select-platform.js';
import { TsbuildError } from '../../support/errors.js';
import { ABOUT, narrowIndex } from '../images/manifest-format.js';

/** Somewhere that the parts of images are read from. */
export interface ContentSource {
  /** Any manifest or index; the bytes are the descriptor's. */
  document(descriptor: Descriptor<string>, options?: TransferOptions): Promise<EncodedManifest>;
  /** The stream fails before its end when its bytes are not the ones the descriptor names. */
  open(descriptor: Descriptor<string>, options?: TransferOptions): Promise<Readable>;
  /** Absent: what is listed is there. */
  has?(descriptor: Descriptor<string>): Promise<boolean>;
}

/** All that an image is: the documents are here, the blobs are opened when they are wanted. */
export interface ImageContent {
  readonly root: ManifestDescriptor;
  /** The root and all manifests and indexes below it, each after those that it lists. */
  readonly documents: readonly EncodedManifest[];
  /** Configs and layers, each once. */
  readonly blobs: readonly Descriptor<string>[];
  readonly open: ContentSource['open'];
}

/** Which images of an index: all that it lists, attestations included, or those for some platforms. */
export type PlatformChoice = 'all' | readonly Platform[];

export interface ReadContentOptions {
  /** What the user calls the image, for errors. */
  readonly name: string;
  readonly source: ContentSource;
  /** `undefined`: the image for this machine. */
  readonly platforms?: PlatformChoice | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nobody nests indexes further than this in earnest. */
const MAX_DEPTH = 4;
/** Images for some hundred platforms; more is no image. */
const MAX_DOCUMENTS = 1000;

/**
 * Reads the documents of an image. One platform of an index is its manifest alone; several are an index of them and of what
 * attests of them, which is the same one whenever nothing is left out.
 * @throws `PLATFORM_NOT_FOUND`, `DOCUMENT_INVALID`, and what the source throws
 */
export async function readContent(root: ManifestDescriptor, options: ReadContentOptions): Promise<ImageContent> {
  const { source, signal } = options;
  const chosen = await chooseRoot(root, options);
  const reading: Reading = { source, signal, documents: new Map(), blobs: new Map() };
  if (chosen.made === undefined) await readTree(reading, chosen.descriptor, 0);
  else {
    for (const entry of chosen.entries) await readTree(reading, entry, 1);
    reading.documents.set(chosen.descriptor.digest, chosen.made);
  }
  return {
    root: chosen.descriptor,
    documents: [...reading.documents.values()],
    blobs: [...reading.blobs.values()],
    open: async (descriptor, transfer) => await source.open(descriptor, transfer),
  };
}

interface ChosenRoot {
  readonly descriptor: ManifestDescriptor;
  /** An index of the chosen entries, when it is none that the source has. */
  readonly made?: EncodedManifest | undefined;
  readonly entries: readonly ManifestDescriptor[];
}

async function chooseRoot(root: ManifestDescriptor, options: ReadContentOptions): Promise<ChosenRoot> {
  const { mediaType } = root;
  const platforms = options.platforms ?? [hostPlatform()];
  if (!isIndexMediaType(mediaType) || platforms === 'all') return { descriptor: root, entries: [] };
  const { bytes } = await options.source.document(root, { signal: options.signal });
  const index = decodeIndex(bytes, { ...root, mediaType });
  const entries = new Map<Digest, ManifestDescriptor>();
  for (const platform of platforms) {
    const entry = selectPlatform(index.value, platform);
    if (entry === undefined) throw notOffered(options.name, platform, listPlatforms(index.value));
    entries.set(entry.digest, entry);
  }
  const [only, second] = [...entries.values()];
  if (only !== undefined && second === undefined) return { descriptor: only, entries: [] };
  const kept: ManifestDescriptor[] = [];
  for (const entry of index.value.manifests) {
    if (entries.has(entry.digest) || (await isAboutKept(entry, entries, options.source))) kept.push(entry);
  }
  if (kept.length === index.value.manifests.length) return { descriptor: root, entries: [] };
  const made = narrowIndex({ descriptor: root, bytes }, (digest) => kept.some((entry) => entry.digest === digest));
  const { digest, size } = made.descriptor;
  return { descriptor: { ...root, digest, size }, made, entries: kept };
}

/** What attests of an image goes along with it, where it is there: a pull of one platform brings none. */
async function isAboutKept(
  entry: ManifestDescriptor,
  images: ReadonlyMap<string, unknown>,
  source: ContentSource,
): Promise<boolean> {
  const image = entry.annotations?.[ABOUT];
  if (!isAttestation(entry) || (image !== undefined && !images.has(image))) return false;
  return (await source.has?.(entry)) ?? true;
}

interface Reading {
  readonly source: ContentSource;
  readonly signal: AbortSignal | undefined;
  readonly documents: Map<Digest, EncodedManifest>;
  readonly blobs: Map<Digest, Descriptor<string>>;
}

async function readTree(reading: Reading, descriptor: Descriptor<string>, depth: number): Promise<void> {
  const { source, documents, blobs, signal } = reading;
  if (documents.has(descriptor.digest)) return;
  if (depth > MAX_DEPTH || documents.size >= MAX_DOCUMENTS) throw tooMuch(descriptor.digest);
  const document = await source.document(descriptor, { signal });
  checkShape(document);
  const links = decodeLinks(document.bytes, descriptor.digest);
  for (const entry of links.manifests) await readTree(reading, entry, depth + 1);
  for (const blob of links.blobs) blobs.set(blob.digest, blob);
  documents.set(descriptor.digest, document);
}

/** One document must not be an image to one tool and an index to another (CVE-2021-41190). @throws `DOCUMENT_INVALID` */
function checkShape(document: EncodedManifest): void {
  const { mediaType, ...rest } = document.descriptor;
  if (isIndexMediaType(mediaType)) decodeIndex(document.bytes, { ...rest, mediaType });
  else if (isManifestMediaType(mediaType) && isImageManifest(document))
    decodeManifest(document.bytes, { ...rest, mediaType });
}

/** The manifest that a program takes which knows no index: for this machine, else the first image. `undefined` when there is none. */
export function primaryManifest(content: ImageContent): EncodedManifest | undefined {
  const byDigest = new Map(content.documents.map((document) => [document.descriptor.digest, document]));
  let document = byDigest.get(content.root.digest);
  for (let depth = 0; document !== undefined && depth <= MAX_DEPTH; depth += 1) {
    const { mediaType, digest } = document.descriptor;
    if (!isIndexMediaType(mediaType)) return isImageManifest(document) ? document : undefined;
    const { value } = decodeIndex(document.bytes, { ...document.descriptor, mediaType });
    const images = value.manifests.filter((entry) => !isAttestation(entry) && entry.digest !== digest);
    const entry = selectPlatform({ ...value, manifests: images }, hostPlatform()) ?? images[0];
    document = entry === undefined ? undefined : byDigest.get(entry.digest);
  }
  return undefined;
}

/** Whether a document is the manifest of an image: not an index, an attestation or an artifact. */
export function isImageManifest({ descriptor, bytes }: EncodedManifest): boolean {
  const { mediaType } = descriptor;
  if (!isManifestMediaType(mediaType) || isAttestation({ ...descriptor, mediaType })) return false;
  const types = decodeLinks(bytes, descriptor.digest).blobs.map((blob) => blob.mediaType);
  return types.some(isConfigMediaType) && types.every((type) => isConfigMediaType(type) || isLayerMediaType(type));
}

function notOffered(name: string, platform: Platform, offered: readonly string[]): TsbuildError {
  const wanted = formatPlatform(platform);
  return new TsbuildError('PLATFORM_NOT_FOUND', `cannot use "${name}": it has no image for ${wanted}`, {
    hint:
      offered.length === 0
        ? 'Its index names no platform at all; --all takes what it lists.'
        : `Choose one of its platforms with --platform: ${offered.join(', ')}.`,
    details: { wanted, offered: offered.join(' ') },
  });
}

function tooMuch(digest: Digest): TsbuildError {
  return new TsbuildError('DOCUMENT_INVALID', `cannot read image "${digest}": its indexes list too much`, {
    hint: `At most ${MAX_DOCUMENTS} manifests, and indexes ${MAX_DEPTH} deep, are an image.`,
  });
}
