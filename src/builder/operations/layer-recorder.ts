import { commitLayer } from '../../layers/commit-layer.js';
import type { Change } from '../../layers/change.js';
import { creationTime } from './step-time.js';
import type { OperationParts } from './operation-parts.js';
import type { ResultLayer } from './result.js';

/** Makes a layer of changes, with the times that SOURCE_DATE_EPOCH asks for. */
export async function recordLayer(
  parts: Pick<OperationParts, 'store' | 'sourceDateEpoch' | 'now'>,
  changes: AsyncIterable<Change> | Iterable<Change>,
  signal: AbortSignal,
): Promise<ResultLayer> {
  const layer = await commitLayer({
    changes: clampTimes(changes, parts.sourceDateEpoch),
    blobs: parts.store.blobs,
    indexes: parts.store.layerIndexes,
    signal,
  });
  return { ...layer, created: creationTime(parts) };
}

/** No time after the epoch goes into the layer (reproducible-builds.org, SOURCE_DATE_EPOCH). */
async function* clampTimes(
  changes: AsyncIterable<Change> | Iterable<Change>,
  sourceDateEpoch: number | undefined,
): AsyncGenerator<Change> {
  for await (const change of changes) {
    if (sourceDateEpoch === undefined || change.kind !== 'upsert' || change.entry.mtime.seconds < sourceDateEpoch) {
      yield change;
    } else {
      yield { ...change, entry: { ...change.entry, mtime: { seconds: sourceDateEpoch, nanoseconds: 0 } } };
    }
  }
}
