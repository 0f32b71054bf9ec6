import type { Readable } from 'node:stream';
import type { Descriptor } from './descriptor.js';
import type { Digest } from './digest.js';
import type { EncodedManifest, ManifestDescriptor, RawIndex, RawManifest } from './image.js';
import type { Repository } from './reference.js';

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that have just moved. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Somewhere images are read from: a registry's repository, an archive, the local store. */
export interface ImageSource {
  /** @throws `IMAGE_NOT_FOUND`, naming where it was looked for */
  resolve(
    name: { readonly tag: string } | { readonly digest: Digest },
    options?: TransferOptions,
  ): Promise<ManifestDescriptor>;
  /** The bytes are those of the descriptor: size and digest have been checked. */
  fetchManifest(descriptor: ManifestDescriptor, options?: TransferOptions): Promise<RawManifest | RawIndex>;
  /** The stream fails before its end when its bytes are not the ones the descriptor names. */
  openBlob(descriptor: Descriptor, options?: TransferOptions): Promise<Readable>;
}

export interface BlobSource {
  readonly descriptor: Descriptor<string>;
  /** Where the same registry already has these bytes, so that a target may mount them instead of receiving them. */
  readonly mountFrom?: Repository | undefined;
  /** May be called again after a failure: a retried upload needs its body from the start. */
  open(): Promise<Readable>;
}

export type PushOutcome = 'uploaded' | 'mounted' | 'exists';

/** Somewhere images are written to. Idempotent: success means "the content is there". */
export interface ImageTarget {
  pushBlob(blob: BlobSource, options?: TransferOptions): Promise<PushOutcome>;
  /** A manifest is refused while a blob that it names is missing. */
  pushManifest(manifest: EncodedManifest, options?: TransferOptions & { readonly tag?: string }): Promise<void>;
}
