import type { Digest } from './digest.js';
import type { MediaType } from './media-type.js';
import type { Platform } from './platform.js';

/** Names content by type, digest and size (image-spec descriptor.md). Generic in its type: a config is no layer. */
export interface Descriptor<M extends string = MediaType> {
  readonly mediaType: M;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly platform?: Platform;
  /** What an artifact is, where its manifest says it. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
