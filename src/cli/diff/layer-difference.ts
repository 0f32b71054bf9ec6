import type { ImageFiles } from '../../toolchain/image-files.js';
import type { Digest } from '../../oci/digest.js';
import type { HistoryEntry } from '../../oci/image.js';

/** A layer, and which of two images has it. */
export interface LayerOf {
  readonly of: 'both' | 'before' | 'after';
  readonly diffId: Digest;
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  readonly createdBy: string;
}

type Layered = Pick<ImageFiles, 'layers' | 'config'>;

/** First what both have, then what only the first has, then only the second: each bottommost first. */
export function layerDifference(before: Layered, after: Layered): readonly LayerOf[] {
  const [old, current] = [before, after].map(({ layers }) => new Set(layers.map(({ diffId }) => diffId)));
  const [mine, theirs] = [describeLayers(before), describeLayers(after)];
  return [
    ...mine.filter(({ diffId }) => current?.has(diffId)).map((layer): LayerOf => ({ of: 'both', ...layer })),
    ...mine.filter(({ diffId }) => !current?.has(diffId)).map((layer): LayerOf => ({ of: 'before', ...layer })),
    ...theirs.filter(({ diffId }) => !old?.has(diffId)).map((layer): LayerOf => ({ of: 'after', ...layer })),
  ];
}

function describeLayers({ layers, config }: Layered): readonly Omit<LayerOf, 'of'>[] {
  const makers = makersOf(config.value.history);
  return layers.map(({ diffId, descriptor: { digest, size } }, index) => {
    return { diffId, digest, size, createdBy: makers[index] ?? '' };
  });
}

/** Layers belong, in order, to the entries that are not empty (image-spec config.md, "history"). */
export function makersOf(history: readonly HistoryEntry[]): readonly string[] {
  return history.filter((entry) => entry.empty_layer !== true).map((entry) => entry.created_by ?? '');
}
