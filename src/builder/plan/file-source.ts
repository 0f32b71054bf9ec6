import type { Digest } from '../../oci/digest.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { BaseImage } from './base-lookup.js';

/** What a stage starts from, or what COPY --from and a mount read. */
export type FileSource = TreeSource | RootSource | { readonly kind: 'image'; readonly image: BaseImage };

/** The same before the image is looked up. */
export type NamedSource =
  | TreeSource
  | RootSource
  | { readonly kind: 'image'; readonly name: string }
  | { readonly kind: 'layout'; readonly layout: LayoutImage };

type RootSource = { readonly kind: 'scratch' } | { readonly kind: 'stage'; readonly index: number };

/** Files that are no root file system: those of a named build context. `label` is what a user sees of their loading. */
export type TreeSource =
  | { readonly kind: 'context'; readonly name: string; readonly label: string }
  | { readonly kind: 'remote'; readonly operation: HttpOperation | GitOperation; readonly label: string };

/** An image in an OCI image layout on this host. */
export interface LayoutImage {
  /** Absolute. */
  readonly directory: string;
  /** What its `org.opencontainers.image.ref.name` says; a digest beside it decides. */
  readonly tag: string;
  readonly digest?: Digest;
}

export function isTreeSource(source: FileSource): source is TreeSource {
  return source.kind === 'context' || source.kind === 'remote';
}
