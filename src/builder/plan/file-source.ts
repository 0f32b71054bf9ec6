import type { BaseImage } from './base-lookup.js';

/** What a stage starts from, or what a COPY --from reads. */
export type FileSource =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'image'; readonly image: BaseImage };

/** The same before the image is looked up. */
export type NamedSource = Exclude<FileSource, { kind: 'image' }> | { readonly kind: 'image'; readonly name: string };
