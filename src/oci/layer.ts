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

/** Of each stack of the first layers, its chain id. */
export function chainIdsOf(diffIds: readonly Digest[]): readonly ChainId[] {
  let chain: Digest | undefined;
  return diffIds.map((diffId) => {
    chain = chain === undefined ? diffId : chained(`${chain} ${diffId}`);
    return chain as ChainId;
  });
}

/** More than the layers of most builds. */
const MAX_KNOWN = 500;
const known = new Map<string, Digest>();

/** Every step of a build asks for the chain of all below it. */
function chained(text: string): Digest {
  let digest = known.get(text);
  if (digest !== undefined) return digest;
  digest = digestOf(text);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, digest);
  return digest;
}

/** `null` for no layers: the empty root file system has no chain id. */
export function chainIdOf(diffIds: readonly Digest[]): ChainId | null {
  return chainIdsOf(diffIds).at(-1) ?? null;
}
