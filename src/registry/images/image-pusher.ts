import type { Readable } from 'node:stream';
import {
  decodeLinks,
  decodeManifest,
  isConfigMediaType,
  isLayerMediaType,
  type DocumentLinks,
} from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { EncodedManifest, RawManifest } from '../../oci/image.js';
import type { ImageTarget } from '../../oci/image-transfer.js';
import {
  isForeignLayerMediaType,
  isIndexMediaType,
  isManifestMediaType,
  MEDIA_TYPE,
  type LayerMediaType,
} from '../../oci/media-type.js';
import type { BlobReader } from '../../store/blob-store.js';
import { blobProgress, type BlobSink } from '../blob-event.js';
import { transferAll } from '../transfer-all.js';
import {
  ABOUT,
  inFormat,
  rewriteIndex,
  rewriteManifest,
  rewriteSubject,
  type ManifestFormat,
  type PushedManifests,
} from './manifest-format.js';
import type { MountSources } from './mount-sources.js';

export type LayerCompression = 'gzip' | 'zstd';

export interface ImagePushOptions {
  readonly store: { readonly blobs: BlobReader };
  /** All layers are sent compressed so; absent: those that are not compressed go as gzip, the others as they are. */
  readonly compression?: LayerCompression | undefined;
  /** Whether layers that have the compression already are compressed anew. */
  readonly force?: boolean | undefined;
  /** Absent: each manifest keeps its own, but zstd makes OCI's of Docker's, which has no zstd. */
  readonly format?: ManifestFormat | undefined;
  /**
   * Makes a blob of a layer in the store, compressed otherwise, and says what it is. Deterministic: the second push of a layer finds
   * in the registry what the first has put there.
   */
  readonly compressLayer: (
    layer: Descriptor<LayerMediaType>,
    compression: LayerCompression,
    signal: AbortSignal,
  ) => Promise<Descriptor<LayerMediaType>>;
  readonly mountSources: MountSources;
  readonly onBlob?: BlobSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends what the store has to one repository: blobs before the manifests that name them, these before their index. */
export class ImagePusher {
  readonly #target: ImageTarget;
  readonly #options: ImagePushOptions;
  /** A blob that is named twice is sent once. */
  readonly #begun = new Set<Digest>();

  constructor(target: ImageTarget, options: ImagePushOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** @returns the manifest or index as the registry has it now */
  async push(root: Descriptor<string>, tag: string | undefined): Promise<Descriptor<string>> {
    const manifest = await this.#tree(root);
    const { signal } = this.#options;
    await this.#target.pushManifest(manifest, { ...(tag === undefined ? {} : { tag }), signal });
    return manifest.descriptor;
  }

  /** Everything below a manifest; @returns the manifest as it is to be sent */
  async #tree(descriptor: Descriptor<string>, pushed: PushedManifests = new Map()): Promise<EncodedManifest> {
    const bytes = await this.#options.store.blobs.read(descriptor);
    const links = decodeLinks(bytes, descriptor.digest);
    const { mediaType } = descriptor;
    if (isIndexMediaType(mediaType)) return await this.#index({ descriptor, bytes }, links.manifests);
    if (isManifestMediaType(mediaType) && isImage(links)) {
      const manifest = await this.#image(decodeManifest(bytes, { ...descriptor, mediaType }));
      return rewriteSubject(manifest, links.subject, pushed);
    }
    await transferAll(links.blobs, async (blob, stop) => this.#blob(blob, blob, stop), this.#options.signal);
    return rewriteSubject({ descriptor, bytes }, links.subject, pushed);
  }

  async #index(index: EncodedManifest, entries: readonly Descriptor<string>[]): Promise<EncodedManifest> {
    const pushed = new Map<Digest, Descriptor<string>>();
    // What is about another entry comes after it: it may have to name it anew.
    for (const entry of entries.toSorted((a, b) => Number(isAttestation(a)) - Number(isAttestation(b)))) {
      if (pushed.has(entry.digest)) continue;
      const manifest = await this.#tree(entry, pushed);
      await this.#target.pushManifest(manifest, { signal: this.#options.signal });
      pushed.set(entry.digest, manifest.descriptor);
    }
    return rewriteIndex(index, { pushed, format: this.#formatOf(index.descriptor) });
  }

  async #image(manifest: RawManifest): Promise<RawManifest> {
    const { signal } = this.#options;
    const { layers, config } = manifest.value;
    const format = this.#formatOf(manifest.descriptor);
    for (const layer of layers) inFormat(this.#typeToSend(layer), format);
    const sent = await transferAll(
      layers,
      async (layer, stop) => {
        const made = await this.#compressed(layer, stop);
        await this.#blob(made, layer, stop);
        return made;
      },
      signal,
    );
    await transferAll([config], async (blob, stop) => this.#blob(blob, blob, stop), signal);
    return rewriteManifest(manifest, { layers: sent, format });
  }

  async #blob(blob: Descriptor<string>, stored: Descriptor<string>, signal: AbortSignal): Promise<void> {
    const { store, onBlob, mountSources } = this.#options;
    // Layers that may not be distributed are fetched from where their URLs say.
    const isElsewhere = isForeignLayerMediaType(blob.mediaType) && (blob.urls ?? []).length > 0;
    if (this.#begun.has(blob.digest) || isElsewhere) return;
    this.#begun.add(blob.digest);
    const { onBytes, finish } = blobProgress(blob, onBlob);
    const source = {
      descriptor: blob,
      mountFrom: mountSources(blob.digest) ?? mountSources(stored.digest),
      open: async (): Promise<Readable> => await store.blobs.open({ digest: blob.digest, size: blob.size }),
    };
    finish((await this.#target.pushBlob(source, { onBytes, signal })) !== 'uploaded');
  }

  async #compressed(layer: Descriptor<LayerMediaType>, signal: AbortSignal): Promise<Descriptor<LayerMediaType>> {
    const compression = this.#compressionFor(layer);
    if (compression === undefined) return layer;
    const { digest, size } = await this.#options.compressLayer(layer, compression, signal);
    return { ...layer, mediaType: this.#typeToSend(layer), digest, size };
  }

  #typeToSend(layer: Descriptor<LayerMediaType>): LayerMediaType {
    const compression = this.#compressionFor(layer);
    if (compression === undefined) return layer.mediaType;
    return compression === 'gzip' ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayerZstd;
  }

  /** `undefined` when the layer goes as it is. */
  #compressionFor({ mediaType }: Descriptor<LayerMediaType>): LayerCompression | undefined {
    if (isForeignLayerMediaType(mediaType)) return undefined;
    const present = COMPRESSIONS.find((name) => mediaType.endsWith(name));
    const wanted = this.#options.compression ?? present ?? 'gzip';
    return wanted === present && this.#options.force !== true ? undefined : wanted;
  }

  #formatOf({ mediaType }: Descriptor<string>): ManifestFormat {
    const { format, compression } = this.#options;
    if (format !== undefined) return format;
    const isDocker = mediaType === MEDIA_TYPE.dockerManifest || mediaType === MEDIA_TYPE.dockerManifestList;
    return isDocker && compression !== 'zstd' ? 'docker' : 'oci';
  }
}

const COMPRESSIONS: readonly LayerCompression[] = ['gzip', 'zstd'];

function isImage({ blobs: [config, ...layers] }: DocumentLinks): boolean {
  if (config === undefined || !isConfigMediaType(config.mediaType)) return false;
  return layers.every(({ mediaType }) => isLayerMediaType(mediaType));
}

function isAttestation({ annotations }: Descriptor<string>): boolean {
  return annotations?.[ABOUT] !== undefined;
}
