import { recordedChain, recordedLayer } from '../../builder/operations/step-cache.js';
import { compressedLayer } from '../transfer/compressed-layer.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';

/** The blob that a cache record stands for: the layer of a step, the compressed blob of a layer, what was fetched of a URL. */
export function recordedBlob(record: unknown): Pick<Descriptor, 'digest' | 'size'> | undefined {
  return recordedLayer(record)?.descriptor ?? compressedLayer(record);
}

export function reachedBy(record: unknown): readonly Digest[] {
  const blob = recordedBlob(record);
  return blob === undefined ? [] : [blob.digest];
}

/** The chain id of the snapshot that goes with a record. */
export function chainOf(record: unknown): string | undefined {
  return recordedChain(record);
}

/** What a person knows it by: the instruction of a step. */
export function labelOf(record: unknown): string | undefined {
  const { label } = (record ?? {}) as { readonly label?: unknown };
  return typeof label === 'string' ? label : undefined;
}
