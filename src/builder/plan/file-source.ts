import type { LinkedBuild } from '../plan.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { BaseImage } from './base-lookup.js';
import type { LayoutImage } from './layout-image.js';

/** What a stage starts from, or what COPY --from and a mount read. */
export type FileSource =
  | TreeSource
  | RootSource
  | { readonly kind: 'image'; readonly image: BaseImage }
  | { readonly kind: 'build'; readonly build: LinkedBuild };

/** The same before the image is looked up. */
export type NamedSource =
  | TreeSource
  | RootSource
  | { readonly kind: 'image'; readonly name: string }
  | { readonly kind: 'layout'; readonly layout: LayoutImage }
  | { readonly kind: 'build'; readonly called: string };

type RootSource = { readonly kind: 'scratch' } | { readonly kind: 'stage'; readonly index: number };

/** Files that are no root file system: those of a named build context. `label` is what a user sees of their loading. */
export type TreeSource =
  | { readonly kind: 'context'; readonly name: string; readonly label: string }
  | { readonly kind: 'remote'; readonly operation: HttpOperation | GitOperation; readonly label: string };

export function isTreeSource(source: FileSource): source is TreeSource {
  return source.kind === 'context' || source.kind === 'remote';
}
