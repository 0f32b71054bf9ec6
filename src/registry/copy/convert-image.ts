import { decompress } from '../../layers/compression/decompress.js';
import { decodeConfig, decodeManifest, decodeLinks, DOCUMENT_LIMIT, layersOf } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { EncodedManifest, ManifestDescriptor, RawManifest } from '../../oci/image.js';
import { isIndexMediaType, isManifestMediaType, MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';
import type { BlobStore } from '../../store/blob-store.js';
import { abortable, collect } from '../../support/byte-streams.js';
import { invariant } from '../../support/invariant.js';
import { rewriteIndex, rewriteManifest, rewriteSubject } from '../images/manifest-format.js';
import { isImageManifest, type ImageContent } from './image-content.js';

/**
 * How layers are to be compressed: not at all; with gzip or zstd; so that every reader can read them, which zstd is not; or in some way,
 * as registries have them.
 */
export type LayerForm = 'none' | 'gzip' | 'zstd' | 'readable' | 'packed';

/** Makes a compressed blob in the store of a plain layer that is there. Equal input gives equal bytes. */
export type CompressLayer = (
  layer: Descriptor<LayerMediaType>,
  compression: 'gzip' | 'zstd',
) => Promise<Descriptor<LayerMediaType>>;

export interface ConvertOptions {
  /** As they are, unless given. */
  readonly form?: LayerForm | undefined;
  /** Whether Docker's media types become OCI's: skopeo and podman pass over others in an OCI layout. */
  readonly ociTypes?: boolean | undefined;
  /** Where converted layers are kept. */
  readonly blobs: BlobStore;
  /** Gets the blobs that were not in the store before. */
  readonly added: Set<Digest>;
  readonly compress: CompressLayer;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The image with its layers in another form, or with other media types. Its configs stay as they are, and with them its id and diffIds; manifests and
 * indexes are made anew where they name what has changed. An image that needs no change is given back itself.
 * @throws `DIGEST_MISMATCH` when a layer is not what its config says; what the source and the store throw
 */
export async function convertImage(content: ImageContent, options: ConvertOptions): Promise<ImageContent> {
  const conversion = new Conversion(content, options);
  const documents: EncodedManifest[] = [];
  for (const { descriptor } of content.documents) documents.push(await conversion.document(descriptor.digest));
  return conversion.result(documents);
}

class Conversion {
  readonly #content: ImageContent;
  readonly #options: ConvertOptions;
  readonly #given: ReadonlyMap<Digest, EncodedManifest>;
  /** What became of documents, by their old digests. */
  readonly #documents = new Map<Digest, EncodedManifest>();
  /** Layers in the store. */
  readonly #converted = new Map<Digest, Descriptor<LayerMediaType>>();

  constructor(content: ImageContent, options: ConvertOptions) {
    this.#content = content;
    this.#options = options;
    this.#given = new Map(content.documents.map((document) => [document.descriptor.digest, document]));
  }

  /** What became of a document, and before it of what it names. Digests are over what they name, so that this has an end. */
  async document(digest: Digest): Promise<EncodedManifest> {
    const known = this.#documents.get(digest);
    if (known !== undefined) return known;
    const document = this.#given.get(digest);
    invariant(document !== undefined, 'only documents of the image are asked for');
    const { manifests, subject } = decodeLinks(document.bytes, digest);
    for (const named of [...manifests, ...(subject === undefined ? [] : [subject])]) {
      if (this.#given.has(named.digest)) await this.document(named.digest);
    }
    const pushed = new Map([...this.#documents].map(([old, { descriptor }]) => [old, descriptor]));
    const changed = isIndexMediaType(document.descriptor.mediaType)
      ? rewriteIndex(document, { pushed, format: this.#format })
      : rewriteSubject(await this.#manifest(document), subject, pushed);
    this.#documents.set(digest, changed);
    return changed;
  }

  result(documents: readonly EncodedManifest[]): ImageContent {
    const { root, open } = this.#content;
    const changed = this.#documents.get(root.digest)?.descriptor;
    if (changed === undefined || changed.digest === root.digest) return this.#content;
    const blobs = new Map<Digest, Descriptor<string>>();
    for (const { bytes, descriptor } of documents) {
      for (const blob of decodeLinks(bytes, descriptor.digest).blobs) blobs.set(blob.digest, blob);
    }
    return {
      root: { ...root, mediaType: knownType(changed.mediaType), digest: changed.digest, size: changed.size },
      documents,
      blobs: [...blobs.values()],
      open: async (blob, transfer) =>
        this.#converted.has(blob.digest) ? await this.#options.blobs.open(blob) : await open(blob, transfer),
    };
  }

  async #manifest(document: EncodedManifest): Promise<EncodedManifest> {
    const { mediaType } = document.descriptor;
    if (!isManifestMediaType(mediaType) || !isImageManifest(document)) return document;
    const manifest = decodeManifest(document.bytes, { ...document.descriptor, mediaType });
    let { layers } = manifest.value;
    if (layers.some((layer) => this.#mustChange(layer))) layers = await this.#layers(manifest);
    return rewriteManifest(manifest, { layers, format: this.#format });
  }

  /** Docker's media types have none for zstd. */
  get #format(): 'oci' | undefined {
    return this.#options.ociTypes === true || this.#options.form === 'zstd' ? 'oci' : undefined;
  }

  async #layers(manifest: RawManifest): Promise<readonly Descriptor<LayerMediaType>[]> {
    const { config: descriptor } = manifest.value;
    const { signal } = this.#options;
    const config = decodeConfig(
      await collect(await this.#content.open(descriptor, { signal }), DOCUMENT_LIMIT),
      descriptor,
    );
    const layers: Descriptor<LayerMediaType>[] = [];
    for (const { descriptor: layer, diffId } of layersOf(manifest, config)) {
      layers.push(this.#mustChange(layer) ? await this.#layer(layer, diffId) : layer);
    }
    return layers;
  }

  #mustChange({ mediaType }: Descriptor<LayerMediaType>): boolean {
    switch (this.#options.form) {
      case 'none':
        return ['gzip', 'zstd'].includes(compressionOf(mediaType));
      case 'gzip':
        return ['none', 'zstd'].includes(compressionOf(mediaType));
      case 'zstd':
        return ['none', 'gzip'].includes(compressionOf(mediaType));
      case 'readable':
        // Docker before 23 reads no zstd.
        return compressionOf(mediaType) === 'zstd';
      case 'packed':
        return compressionOf(mediaType) === 'none';
      case undefined:
        return false;
    }
  }

  async #layer(layer: Descriptor<LayerMediaType>, diffId: Digest): Promise<Descriptor<LayerMediaType>> {
    const known = this.#converted.get(layer.digest);
    if (known !== undefined) return known;
    const plain = compressionOf(layer.mediaType) === 'none' ? layer : await this.#plain(layer, diffId);
    const { form } = this.#options;
    const compression = form === 'packed' ? 'gzip' : form;
    const made = compression === 'gzip' || compression === 'zstd' ? await this.#compressed(plain, compression) : plain;
    this.#converted.set(layer.digest, made).set(made.digest, made);
    return made;
  }

  async #plain(layer: Descriptor<LayerMediaType>, diffId: Digest): Promise<Descriptor<LayerMediaType>> {
    const { blobs, added, signal } = this.#options;
    if (!(await blobs.has(diffId))) added.add(diffId);
    const tar = decompress(abortable(await this.#content.open(layer, { signal }), 'convert a layer', signal));
    const { digest, size } = await blobs.ingest(tar, { expect: { digest: diffId }, signal });
    return { mediaType: isDockerType(layer.mediaType) ? MEDIA_TYPE.dockerLayer : MEDIA_TYPE.ociLayer, digest, size };
  }

  async #compressed(
    plain: Descriptor<LayerMediaType>,
    compression: 'gzip' | 'zstd',
  ): Promise<Descriptor<LayerMediaType>> {
    const { blobs, compress, signal } = this.#options;
    if (!(await blobs.has(plain.digest))) {
      this.#options.added.add(plain.digest);
      await blobs.ingest(await this.#content.open(plain, { signal }), { expect: plain, signal });
    }
    const { digest, size } = await compress(plain, compression);
    if (compression === 'zstd') return { mediaType: MEDIA_TYPE.ociLayerZstd, digest, size };
    const mediaType = isDockerType(plain.mediaType) ? MEDIA_TYPE.dockerLayerGzip : MEDIA_TYPE.ociLayerGzip;
    return { mediaType, digest, size };
  }
}

/** Layers that may not be distributed are none of ours to change. */
function compressionOf(mediaType: LayerMediaType): 'none' | 'gzip' | 'zstd' | 'foreign' {
  switch (mediaType) {
    case MEDIA_TYPE.ociLayer:
    case MEDIA_TYPE.dockerLayer:
      return 'none';
    case MEDIA_TYPE.ociLayerGzip:
    case MEDIA_TYPE.dockerLayerGzip:
      return 'gzip';
    case MEDIA_TYPE.ociLayerZstd:
      return 'zstd';
    default:
      return 'foreign';
  }
}

function isDockerType(mediaType: LayerMediaType): boolean {
  return mediaType === MEDIA_TYPE.dockerLayer || mediaType === MEDIA_TYPE.dockerLayerGzip;
}

function knownType(mediaType: string): ManifestDescriptor['mediaType'] {
  invariant(isManifestMediaType(mediaType) || isIndexMediaType(mediaType), 'a root is a manifest or an index');
  return mediaType;
}
