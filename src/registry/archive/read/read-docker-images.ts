import { Readable } from 'node:stream';
import { decompress } from '../../../layers/compression/decompress.js';
import { canonicalJson } from '../../../oci/canonical-json.js';
import { checkLayerCount, decodeConfig } from '../../../oci/decode.js';
import { arrayOf, objectOf, optional, required, ShapeError, string, type Decode } from '../../../oci/decode-value.js';
import type { Descriptor } from '../../../oci/descriptor.js';
import { digestOf, type Digest } from '../../../oci/digest.js';
import { createVerifier } from '../../../oci/verify-stream.js';
import type { ImageManifest, RawConfig, RawManifest } from '../../../oci/image.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../../oci/media-type.js';
import { archiveInvalid } from '../archive-error.js';
import { documentBytes, readContents, readImageName, type ArchiveImage, type StagedArchive } from './archive-image.js';
import { layerCompression, type LayerCompression } from './layer-compression.js';
import { normalizeMemberName } from './member-name.js';
import type { StagedMember } from './stage-members.js';

/** An element of `manifest.json`, which Docker has written since 1.10 (moby, image/spec/v1.2.md). */
export interface DockerArchiveItem {
  readonly config: string;
  readonly repoTags: readonly string[];
  readonly layers: readonly string[];
}

/** Whether there is a `manifest.json`. */
export function isDockerArchive({ members }: StagedArchive): boolean {
  return members.get('manifest.json') !== undefined;
}

/** @returns `undefined` when there is no `manifest.json`. @throws `ARCHIVE_INVALID` */
export function readDockerItems({ members }: StagedArchive): readonly DockerArchiveItem[] | undefined {
  const document = readContents(members, 'manifest.json');
  if (document === undefined) return undefined;
  try {
    return document === null ? [] : arrayOf(decodeItem)(document, '');
  } catch (error) {
    if (error instanceof ShapeError) throw archiveInvalid(`in its "manifest.json", ${error.message}`, { cause: error });
    throw error;
  }
}

const decodeItem: Decode<DockerArchiveItem> = (value, path) => {
  const item = objectOf(value, path);
  return {
    config: required(item, 'Config', string),
    repoTags: optional(item, 'RepoTags', arrayOf(string)) ?? [],
    layers: optional(item, 'Layers', arrayOf(string)) ?? [],
  };
};

/**
 * An image as Docker keeps it: a config and layers, under whatever names. It has no manifest, so one is made, the same each time.
 * @throws `ARCHIVE_INVALID`, `DOCUMENT_INVALID`
 */
export async function readDockerImage(
  archive: StagedArchive,
  item: DockerArchiveItem,
  added: Set<Digest>,
): Promise<ArchiveImage> {
  const member = memberAt(archive, item.config);
  const bytes = await documentBytes(member, archive.blobs, item.config);
  const { digest, size } = member;
  const config = decodeConfig(bytes, { mediaType: MEDIA_TYPE.ociConfig, digest, size });
  const layers: StagedMember[] = [];
  for (const [index, name] of item.layers.entries()) {
    const member = memberAt(archive, name);
    const diffId = config.value.rootfs.diff_ids[index];
    const unnamed = mediaTypeOf(member) === undefined;
    layers.push(unnamed && diffId !== undefined ? await plainMember(member, diffId, { archive, added }) : member);
  }
  const manifest = makeManifest(config, layers.map(describeLayer));
  checkLayerCount(manifest, config);
  return { manifest, config, layers, names: item.repoTags.flatMap((text) => readImageName(text) ?? []) };
}

/** `undefined` for compressions that OCI has no type for. */
function mediaTypeOf({ magic }: Pick<StagedMember, 'magic'>): LayerMediaType | undefined {
  return MEDIA_TYPES[layerCompression(magic)];
}

/** OCI has no media type for layers of xz and bzip2, which Docker and podman take: such a one is kept as the tar that it holds. */
async function plainMember(
  member: StagedMember,
  diffId: Digest,
  { archive: { blobs }, added }: { readonly archive: StagedArchive; readonly added: Set<Digest> },
): Promise<StagedMember> {
  const bytes = member.bytes === undefined ? await blobs.open(member) : Readable.from([member.bytes]);
  const known = await blobs.size(diffId);
  if (known !== undefined) {
    // The store has the right tar; an archive with another is damaged all the same.
    const verifier = createVerifier({ digest: diffId, size: known });
    for await (const chunk of decompress(bytes)) verifier.update(chunk);
    return { ...verifier.finish(), magic: Buffer.alloc(0), bytes: undefined };
  }
  added.add(diffId);
  const blob = await blobs.ingest(decompress(bytes), { expect: { digest: diffId } });
  return { ...blob, magic: Buffer.alloc(0), bytes: undefined };
}

function memberAt({ members }: StagedArchive, name: string): StagedMember {
  const member = members.get(normalizeMemberName(name));
  if (member === undefined)
    throw archiveInvalid(`its member "${name.slice(0, 200)}" is missing, and "manifest.json" names it`);
  return member;
}

function makeManifest({ descriptor }: RawConfig, layers: readonly Descriptor<LayerMediaType>[]): RawManifest {
  const value: ImageManifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: descriptor, layers };
  const bytes = Buffer.from(canonicalJson(value));
  return { descriptor: { mediaType: value.mediaType, digest: digestOf(bytes), size: bytes.length }, bytes, value };
}

const MEDIA_TYPES: Readonly<Partial<Record<LayerCompression, LayerMediaType>>> = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
};

function describeLayer({ digest, size, magic }: StagedMember): Descriptor<LayerMediaType> {
  const mediaType = mediaTypeOf({ magic });
  if (mediaType === undefined) throw archiveInvalid(`it has layers that its config does not name, such as "${digest}"`);
  return { mediaType, digest, size };
}
