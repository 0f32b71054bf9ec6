import type { Descriptor } from './descriptor.js';
import { digestOf, type Digest } from './digest.js';
import type { LayerMediaType } from './media-type.js';

/** A layer is a value; its bytes are in a blob store. `descriptor` names the stored blob, `diffId` the tar inside it. */
export interface Layer {
  readonly descriptor: Descriptor<LayerMediaType>;
  readonly diffId: Digest;
}

declare const chainBrand: unique symbol;

/** Digest over a stack of diffIds (image-spec config.md, "Layer ChainID"): names a root file system, not a layer. */
export type ChainId = Digest & { readonly [chainBrand]: true };

/** `null` for no layers: the empty root file system has no chain id. */
export function chainIdOf(diffIds: readonly Digest[]): ChainId | null {
  let chain: Digest | null = null;
  for (const diffId of diffIds) chain = chain === null ? diffId : digestOf(`${chain} ${diffId}`);
  return chain as ChainId | null;
}
