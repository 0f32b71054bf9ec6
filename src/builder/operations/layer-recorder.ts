import { commitLayer } from '../../layers/commit-layer.js';
import type { Change } from '../../layers/change.js';
import type { Timestamp } from '../../layers/tar-entry.js';
import { creationTime, type LayerTimes } from './step-time.js';
import type { OperationParts } from './operation-parts.js';
import type { ResultLayer } from './result.js';

/** Makes a layer of changes, with the times that SOURCE_DATE_EPOCH asks for. */
export async function recordLayer(
  parts: Pick<OperationParts, 'store' | 'sourceDateEpoch' | 'fileTimes' | 'now'>,
  changes: AsyncIterable<Change> | Iterable<Change>,
  signal: AbortSignal,
): Promise<ResultLayer> {
  const layer = await commitLayer({
    changes: withTimes(changes, parts),
    blobs: parts.store.blobs,
    indexes: parts.store.layerIndexes,
    signal,
  });
  return { ...layer, created: creationTime(parts) };
}

/** No time after the epoch goes into the layer (reproducible-builds.org, SOURCE_DATE_EPOCH), unless other times are asked for. */
function withTimes(
  changes: AsyncIterable<Change> | Iterable<Change>,
  { sourceDateEpoch: seconds, fileTimes = 'bounded' }: LayerTimes,
): AsyncIterable<Change> | Iterable<Change> {
  if (seconds === undefined || fileTimes === 'kept') return changes;
  return boundedBy(seconds, changes, fileTimes);
}

async function* boundedBy(
  seconds: number,
  changes: AsyncIterable<Change> | Iterable<Change>,
  fileTimes: LayerTimes['fileTimes'],
): AsyncGenerator<Change> {
  const mayStay = (mtime: Timestamp): boolean => fileTimes === 'bounded' && mtime.seconds < seconds;
  for await (const change of changes) {
    if (change.kind !== 'upsert' || mayStay(change.entry.mtime)) yield change;
    else yield { ...change, entry: { ...change.entry, mtime: { seconds, nanoseconds: 0 } } };
  }
}
