import { decompress } from '../../layers/compression/decompress.js';
import { canonicalJson } from '../../oci/canonical-json.js';
import {
  checkLayerCount,
  decodeConfig,
  decodeManifest,
  decodeLinks,
  DOCUMENT_LIMIT,
  isConfigMediaType,
} from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { EncodedManifest, RawManifest } from '../../oci/image.js';
import { isIndexMediaType, isManifestMediaType, MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';
import type { BlobStore } from '../../store/blob-store.js';
import { abortable, collect } from '../../support/byte-streams.js';
import { objectOf } from '../../oci/decode-value.js';
import { parseJson } from '../../support/parse-json.js';
import type { ImageContent } from './image-content.js';

/**
 * How layers are to be compressed: not at all; with gzip; so that every reader can read them, which zstd is not; or in some way,
 * as registries have them.
 */
export type LayerForm = 'none' | 'gzip' | 'readable' | 'packed';

export interface ConvertOptions {
  readonly form: LayerForm;
  /** Where converted layers are kept. */
  readonly blobs: BlobStore;
  /** Gets the blobs that were not in the store before. */
  readonly added: Set<Digest>;
  /** Makes a gzip blob in the store of a plain one that is there. Equal input gives equal bytes. */
  readonly gzip: (layer: Descriptor<LayerMediaType>) => Promise<Descriptor<LayerMediaType>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The image with its layers in another form. Its configs stay as they are, and with them its id and diffIds; manifests and
 * indexes are made anew where they name what has changed. An image that needs no change is given back itself.
 * @throws `DIGEST_MISMATCH` when a layer is not what its config says; what the source and the store throw
 */
export async function convertLayers(content: ImageContent, options: ConvertOptions): Promise<ImageContent> {
  const conversion = new Conversion(content, options);
  const documents: EncodedManifest[] = [];
  for (const document of content.documents) documents.push(await conversion.document(document));
  return conversion.result(documents);
}

class Conversion {
  readonly #content: ImageContent;
  readonly #options: ConvertOptions;
  /** What became of documents, by their old digests. */
  readonly #documents = new Map<Digest, Descriptor<string>>();
  /** Layers in the store. */
  readonly #converted = new Map<Digest, Descriptor<LayerMediaType>>();

  constructor(content: ImageContent, options: ConvertOptions) {
    this.#content = content;
    this.#options = options;
  }

  async document(document: EncodedManifest): Promise<EncodedManifest> {
    const changed = isIndexMediaType(document.descriptor.mediaType)
      ? this.#index(document)
      : await this.#manifest(document);
    this.#documents.set(document.descriptor.digest, changed.descriptor);
    return changed;
  }

  result(documents: readonly EncodedManifest[]): ImageContent {
    const { root, open } = this.#content;
    const changed = this.#documents.get(root.digest);
    if (changed === undefined || changed.digest === root.digest) return this.#content;
    const blobs = new Map<Digest, Descriptor<string>>();
    for (const { bytes, descriptor } of documents) {
      for (const blob of decodeLinks(bytes, descriptor.digest).blobs) blobs.set(blob.digest, blob);
    }
    return {
      root: { ...root, digest: changed.digest, size: changed.size },
      documents,
      blobs: [...blobs.values()],
      open: async (blob, transfer) =>
        this.#converted.has(blob.digest) ? await this.#options.blobs.open(blob) : await open(blob, transfer),
    };
  }

  #index(document: EncodedManifest): EncodedManifest {
    const { manifests } = decodeLinks(document.bytes, document.descriptor.digest);
    const changed = manifests.map((entry) => ({ ...entry, ...addressOf(this.#documents.get(entry.digest) ?? entry) }));
    if (changed.every(({ digest }, index) => digest === manifests[index]?.digest)) return document;
    return remade(document, { manifests: changed });
  }

  async #manifest(document: EncodedManifest): Promise<EncodedManifest> {
    const { mediaType } = document.descriptor;
    if (!isManifestMediaType(mediaType) || !holdsImage(document)) return document;
    const manifest = decodeManifest(document.bytes, { ...document.descriptor, mediaType });
    if (!manifest.value.layers.some((layer) => this.#mustChange(layer))) return document;
    const diffIds = await this.#diffIds(manifest);
    const layers: Descriptor<LayerMediaType>[] = [];
    for (const [index, layer] of manifest.value.layers.entries()) {
      const diffId = diffIds[index];
      layers.push(diffId === undefined || !this.#mustChange(layer) ? layer : await this.#layer(layer, diffId));
    }
    return remade(document, { layers });
  }

  async #diffIds(manifest: RawManifest): Promise<readonly Digest[]> {
    const { config: descriptor } = manifest.value;
    const { signal } = this.#options;
    const config = decodeConfig(
      await collect(await this.#content.open(descriptor, { signal }), DOCUMENT_LIMIT),
      descriptor,
    );
    checkLayerCount(manifest, config);
    return config.value.rootfs.diff_ids;
  }

  #mustChange({ mediaType }: Descriptor<LayerMediaType>): boolean {
    switch (this.#options.form) {
      case 'none':
        return ['gzip', 'zstd'].includes(compressionOf(mediaType));
      case 'gzip':
        return ['none', 'zstd'].includes(compressionOf(mediaType));
      case 'readable':
        // Docker before 23 reads no zstd.
        return compressionOf(mediaType) === 'zstd';
      case 'packed':
        return compressionOf(mediaType) === 'none';
    }
  }

  async #layer(layer: Descriptor<LayerMediaType>, diffId: Digest): Promise<Descriptor<LayerMediaType>> {
    const known = this.#converted.get(layer.digest);
    if (known !== undefined) return known;
    const plain = compressionOf(layer.mediaType) === 'none' ? layer : await this.#plain(layer, diffId);
    const made = ['gzip', 'packed'].includes(this.#options.form) ? await this.#gzip(plain) : plain;
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

  async #gzip(plain: Descriptor<LayerMediaType>): Promise<Descriptor<LayerMediaType>> {
    const { blobs, gzip, signal } = this.#options;
    if (!(await blobs.has(plain.digest))) {
      this.#options.added.add(plain.digest);
      await blobs.ingest(await this.#content.open(plain, { signal }), { expect: plain, signal });
    }
    const { digest, size } = await gzip(plain);
    const mediaType = isDockerType(plain.mediaType) ? MEDIA_TYPE.dockerLayerGzip : MEDIA_TYPE.ociLayerGzip;
    return { mediaType, digest, size };
  }
}

function holdsImage({ bytes, descriptor }: EncodedManifest): boolean {
  return decodeLinks(bytes, descriptor.digest).blobs.some(({ mediaType }) => isConfigMediaType(mediaType));
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

function addressOf({ digest, size }: Descriptor<string>): Pick<Descriptor, 'digest' | 'size'> {
  return { digest, size };
}

/** What else the document says stays. */
function remade({ bytes, descriptor }: EncodedManifest, members: object): EncodedManifest {
  const document = objectOf(parseJson(Buffer.from(bytes).toString('utf8')), '').members;
  const made = Buffer.from(canonicalJson({ ...document, ...members }));
  return { descriptor: { ...descriptor, digest: digestOf(made), size: made.length }, bytes: made };
}
