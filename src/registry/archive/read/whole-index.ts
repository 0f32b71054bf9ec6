import { decodeLinks } from '../../../oci/decode.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import type { EncodedManifest } from '../../../oci/image.js';
import { isIndexMediaType, type IndexMediaType } from '../../../oci/media-type.js';
import { isImageManifest, readContent } from '../../copy/image-content.js';
import { blobMember, documentBytes, layerMember, type StagedArchive } from './archive-image.js';
import type { StagedMember } from './stage-members.js';

export interface IndexedContent {
  readonly descriptor: Descriptor<IndexMediaType>;
  readonly documents: readonly EncodedManifest[];
  /** The image manifests among them. */
  readonly images: readonly Descriptor<string>[];
  readonly blobs: readonly StagedMember[];
}

/**
 * An index, if the archive has every manifest below it, and all blobs of those that are no images. Layers of images may have been
 * left out: they are the store's to add.
 * @throws `ARCHIVE_INVALID`, `DOCUMENT_INVALID`
 */
export async function wholeIndex(
  archive: StagedArchive,
  descriptor: Descriptor<IndexMediaType>,
): Promise<IndexedContent | undefined> {
  const { members, blobs } = archive;
  let complete = true;
  const document = async (wanted: Descriptor<string>): Promise<EncodedManifest> => {
    // What is missing is read as a manifest of nothing: then the whole is not there.
    if (layerMember(members, wanted) === undefined) {
      complete = false;
      return { descriptor: wanted, bytes: Buffer.from('{}') };
    }
    return { descriptor: wanted, bytes: await documentBytes(blobMember(members, wanted), blobs, wanted.digest) };
  };
  const open = (): Promise<never> => Promise.reject(new Error('only documents are read here'));
  const { documents } = await readContent(descriptor, {
    name: descriptor.digest,
    source: { document, open },
    platforms: 'all',
  });
  const manifests = documents.filter(({ descriptor: { mediaType } }) => !isIndexMediaType(mediaType));
  const images = manifests.filter(isImageManifest);
  const found: StagedMember[] = [];
  for (const manifest of manifests.filter((each) => !isImageManifest(each))) {
    for (const blob of decodeLinks(manifest.bytes, manifest.descriptor.digest).blobs) {
      const member = layerMember(members, blob);
      if (member === undefined) complete = false;
      else found.push(member);
    }
  }
  if (!complete || images.length === 0) return undefined;
  return { descriptor, documents, images: images.map((image) => image.descriptor), blobs: found };
}
