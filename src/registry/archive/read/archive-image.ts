import { DOCUMENT_LIMIT } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import { digestAlgorithm, digestHex, type Digest } from '../../../oci/digest.js';
import type { EncodedManifest, RawConfig, RawManifest } from '../../../oci/image.js';
import type { IndexMediaType } from '../../../oci/media-type.js';
import { parseReference, withDefaultTag, type Reference } from '../../../oci/reference.js';
import type { BlobReader, BlobStore } from '../../../store/blob-store.js';
import { isTsbuildError } from '../../../support/errors.js';
import { archiveInvalid } from '../archive-error.js';
import type { StagedMember, StagedMembers } from './stage-members.js';

export type TaggedReference = Reference & { readonly tag: string };

/** An image as an archive has it, its documents read and their parts found. */
export interface ArchiveImage {
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  /** One a layer, in order; `undefined` for one that the archive was saved without. */
  readonly layers: readonly (StagedMember | undefined)[];
  readonly names: readonly TaggedReference[];
  /** Of the index that the manifest was chosen from. */
  readonly resolved?: Digest | undefined;
  /** That index, when the archive has everything that it lists. */
  readonly whole?: WholeIndex | undefined;
}

/** An index and all that it lists. */
export interface WholeIndex {
  readonly descriptor: Descriptor<IndexMediaType>;
  /** The index and all manifests and indexes below it, each after those that it lists. */
  readonly documents: readonly EncodedManifest[];
  /** Blobs of what is no image, such as attestations. */
  readonly blobs: readonly StagedMember[];
  /** The other images in it, without names. */
  readonly others: readonly ArchiveImage[];
}

/** An image all of whose layers are at hand. */
export interface CompleteImage extends ArchiveImage {
  readonly layers: readonly StagedMember[];
}

/** The member that holds a layer, or `undefined` when the archive has none. @throws as `blobMember` */
export function layerMember(members: StagedMembers, layer: Descriptor<string>): StagedMember | undefined {
  return members.get(blobName(layer.digest)) === undefined ? undefined : blobMember(members, layer);
}

function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The member that holds a blob. @throws `ARCHIVE_INVALID` when it is missing, or of another size */
export function blobMember(
  members: StagedMembers,
  { digest, size }: Pick<Descriptor<string>, 'digest' | 'size'>,
): StagedMember {
  const member = members.get(blobName(digest));
  // A link can give any bytes this name.
  if (member?.digest !== digest) throw archiveInvalid(`its blob "${digest}" is missing`);
  if (member.size !== size) {
    throw archiveInvalid(`its blob "${digest}" has ${member.size} bytes, and a manifest says ${size}`);
  }
  return member;
}

/** Members of an archive, and the store that the large ones of them are in. */
export interface StagedArchive {
  readonly members: StagedMembers;
  readonly blobs: BlobStore;
}

/** The bytes of a document. @throws `ARCHIVE_INVALID` when it is too large to be one */
export async function documentBytes(member: StagedMember, blobs: BlobReader, name: string): Promise<Buffer> {
  if (member.size > DOCUMENT_LIMIT) throw archiveInvalid(`"${name}" has ${member.size} bytes, too many for a document`);
  return member.bytes ?? (await blobs.read(member));
}

/** The documents that say what the archive has: decoded JSON, or `undefined` when there is none of that name. */
export function readContents(members: StagedMembers, name: string): unknown {
  const bytes = members.get(name)?.bytes;
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw archiveInvalid(`its "${name}" is no JSON`, { cause: error });
    throw error;
  }
}

/** @throws `ARCHIVE_INVALID` when it is no name; `undefined` for one by digest, which is no name to give an image */
export function readImageName(text: string): TaggedReference | undefined {
  try {
    const { registry, repository, tag, digest } = withDefaultTag(parseReference(text));
    return tag === undefined || digest !== undefined ? undefined : { registry, repository, tag };
  } catch (error) {
    if (!isTsbuildError(error, 'REFERENCE_INVALID')) throw error;
    throw archiveInvalid(`it gives an image the name "${text.slice(0, 300)}"`, {
      hint: `No image can have that name: ${error.hint ?? 'save it again under another.'}`,
      cause: error,
    });
  }
}
