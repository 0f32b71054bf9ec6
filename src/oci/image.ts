import type { Descriptor } from './descriptor.js';
import type { Digest } from './digest.js';
import type { ConfigMediaType, IndexMediaType, LayerMediaType, ManifestMediaType, MediaType } from './media-type.js';
import type { Platform } from './platform.js';

// Wire types: members are spelled as image-spec and Docker spell them.

/** image-spec manifest.md */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType: ManifestMediaType;
  readonly config: Descriptor<ConfigMediaType>;
  readonly layers: readonly Descriptor<LayerMediaType>[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec image-index.md */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: IndexMediaType;
  readonly manifests: readonly Descriptor<ManifestMediaType | IndexMediaType>[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec config.md: the document whose digest is the image's id. */
export interface ImageConfig extends Platform {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history: readonly HistoryEntry[];
}

/** The `config` member of the image config: what a container started from the image inherits. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Docker's, not in image-spec; BuildKit writes them all the same. */
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[];
}

/** Durations are nanoseconds. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** A document together with the exact bytes its digest was taken over. Never re-serialise a document you did not author. */
export interface RawDocument<T, M extends string = MediaType> {
  readonly descriptor: Descriptor<M>;
  readonly bytes: Uint8Array;
  readonly value: T;
}

export type ManifestDescriptor = Descriptor<ManifestMediaType | IndexMediaType>;
export type RawManifest = RawDocument<ImageManifest, ManifestMediaType>;
export type RawIndex = RawDocument<ImageIndex, IndexMediaType>;
export type RawConfig = RawDocument<ImageConfig, ConfigMediaType>;
/** A manifest of whatever kind, as it is sent: an image, an index, an artifact. */
export interface EncodedManifest {
  readonly descriptor: Descriptor<string>;
  readonly bytes: Uint8Array;
}
