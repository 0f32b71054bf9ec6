import { Readable } from 'node:stream';
import { decodeDescriptor } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { EncodedManifest, ManifestDescriptor } from '../../oci/image.js';
import { isIndexMediaType, isManifestMediaType } from '../../oci/media-type.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import { isAttestation } from '../../oci/select-platform.js';
import { discardBlobs } from '../../store/garbage/collect.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { archiveInvalid, inArchive, shownArchive } from '../archive/archive-error.js';
import { archiveBytes, type ArchiveBytesOptions } from '../archive/read/archive-bytes.js';
import { blobMember, documentBytes, type StagedArchive } from '../archive/read/archive-image.js';
import { ContentDigests } from '../archive/read/content-digests.js';
import { isDockerArchive, readDockerImage, readDockerItems } from '../archive/read/read-docker-images.js';
import { entriesOf, isOciArchive } from '../archive/read/read-oci-images.js';
import { stageMembers, tarMembers } from '../archive/read/stage-members.js';
import { completeImages, knownLayers } from '../archive/read/stored-layers.js';
import { verifyLayers } from '../archive/read/verify-layers.js';
import type { ContentSource } from './image-content.js';

/** An image somewhere else than in a registry or the store. */
export interface FoundContent extends AsyncDisposable {
  readonly root: ManifestDescriptor;
  readonly source: ContentSource;
}

/** An entry of `index.json`, and what it may be called by. */
export interface LabelledEntry {
  readonly descriptor: ManifestDescriptor;
  readonly labels: readonly string[];
}

/**
 * An image in an archive, whose large blobs are in the store until this is disposed of. Layers of a docker-archive, which no
 * manifest names by digest, are checked against the image's config.
 * @throws `ARCHIVE_INVALID`, `IMAGE_NOT_FOUND`, `USAGE` when there are several images and no name
 */
export async function openArchiveContent(
  bytes: AsyncIterable<Uint8Array>,
  wanted: { readonly shown: string; readonly name: string | undefined; readonly store: Store } & ArchiveBytesOptions,
): Promise<FoundContent> {
  const { store } = wanted;
  const added = new Set<Digest>();
  const close = async (): Promise<void> => {
    await discardBlobs(store, added);
  };
  try {
    const members = await stageMembers(tarMembers(archiveBytes(bytes, wanted)), { blobs: store.blobs, added });
    const archive = { members, blobs: store.blobs };
    const made = new Map<Digest, EncodedManifest>();
    const entries = isOciArchive(archive) ? labelledEntries(entriesOf(archive)) : [];
    const all = entries.length > 0 ? entries : await dockerEntries(archive, { store, added, made });
    const { descriptor } = chooseEntry(all, wanted);
    return {
      root: descriptor,
      source: memberSource(archive, { made, path: wanted.shown }),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw inArchive(error, shownArchive(wanted.shown));
  }
}

interface MemberSourceOptions {
  /** Manifests that the archive does not have. */
  readonly made: ReadonlyMap<Digest, EncodedManifest>;
  readonly path: string;
}

function memberSource(archive: StagedArchive, { made, path }: MemberSourceOptions): ContentSource {
  return {
    document: async (descriptor) => {
      const known = made.get(descriptor.digest);
      if (known !== undefined) return known;
      const member = blobMember(archive.members, descriptor);
      return { descriptor, bytes: await documentBytes(member, archive.blobs, descriptor.digest) };
    },
    open: async (descriptor) => {
      // Of a docker-archive, what a manifest names is in the store: its members have names of their own.
      const bytes = made.size > 0 ? undefined : contentsOf(archive, descriptor, path);
      return bytes === undefined ? await archive.blobs.open(descriptor) : Readable.from([bytes]);
    },
  };
}

/** `undefined` for those of a large member, which are in the store. */
function contentsOf({ members }: StagedArchive, descriptor: Descriptor<string>, path: string): Uint8Array | undefined {
  try {
    return blobMember(members, descriptor).bytes;
  } catch (error) {
    throw inArchive(error, shownArchive(path));
  }
}

interface DockerEntriesOptions {
  readonly store: Store;
  readonly added: Set<Digest>;
  readonly made: Map<Digest, EncodedManifest>;
}

async function dockerEntries(
  archive: StagedArchive,
  { store, added, made }: DockerEntriesOptions,
): Promise<readonly LabelledEntry[]> {
  if (!isDockerArchive(archive))
    throw archiveInvalid('it has neither a "manifest.json" nor an "index.json" with images');
  const entries: LabelledEntry[] = [];
  const known = knownLayers(store);
  for (const item of readDockerItems(archive) ?? []) {
    const image = await readDockerImage(archive, item, added);
    const complete = await completeImages([image], { store, known, added, since: [] });
    for (const { digest, bytes } of complete.flatMap(({ layers }) => layers)) {
      if (bytes !== undefined) await keep(store, { digest, bytes }, added);
    }
    await keep(store, { digest: image.config.descriptor.digest, bytes: image.config.bytes }, added);
    await using contents = new ContentDigests({ store, digester: undefined, signal: undefined });
    await verifyLayers(complete, { contents, known, signal: undefined });
    made.set(image.manifest.descriptor.digest, image.manifest);
    entries.push({ descriptor: image.manifest.descriptor, labels: image.names.map(formatReference) });
  }
  return entries;
}

async function keep(
  { blobs }: Store,
  { digest, bytes }: { readonly digest: Digest; readonly bytes: Uint8Array },
  added: Set<Digest>,
): Promise<void> {
  if (!(await blobs.has(digest))) added.add(digest);
  await blobs.ingest(Readable.from([bytes]), { expect: { digest, size: bytes.byteLength } });
}

/** Those that are images, with what their annotations call them. */
export function labelledEntries(entries: readonly unknown[]): readonly LabelledEntry[] {
  return entries.flatMap((entry) => {
    const { mediaType, annotations = {}, ...rest } = decodeDescriptor(entry, 'index.json');
    if (!isManifestMediaType(mediaType) && !isIndexMediaType(mediaType)) return [];
    const descriptor = { ...rest, mediaType };
    if (isAttestation({ ...descriptor, annotations })) return [];
    const labels = [annotations['io.containerd.image.name'], annotations['org.opencontainers.image.ref.name']];
    return [{ descriptor, labels: labels.filter((label) => label !== undefined) }];
  });
}

/** @throws `IMAGE_NOT_FOUND`; `USAGE` when it is not clear which is meant */
export function chooseEntry(
  entries: readonly LabelledEntry[],
  { name, shown }: { readonly name: string | undefined; readonly shown: string },
): LabelledEntry {
  const matching =
    name === undefined
      ? entries
      : entries.filter(({ descriptor, labels }) => isCalled(name, descriptor.digest, labels));
  const [first] = matching;
  const labels = [...new Set(entries.flatMap((entry) => entry.labels))].toSorted();
  const hint = labels.length === 0 ? 'Nothing in it has a name.' : `It has ${labels.join(', ')}.`;
  if (first === undefined) {
    throw new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${name ?? ''}" in "${shown}": there is none`, {
      hint,
    });
  }
  if (matching.some(({ descriptor }) => descriptor.digest !== first.descriptor.digest)) {
    throw new TsbuildError('USAGE', `cannot tell which image of "${shown}" is meant: there are several`, {
      hint: `Add a colon and the name. ${hint}`,
    });
  }
  return first;
}

/** By the label itself, by the digest, or by a name that means the same: `x` is `docker.io/library/x:latest`. */
function isCalled(name: string, digest: Digest, labels: readonly string[]): boolean {
  if (labels.includes(name) || name === digest) return true;
  try {
    return labels.includes(formatReference(withDefaultTag(parseReference(name))));
  } catch (error) {
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return false;
    throw error;
  }
}
