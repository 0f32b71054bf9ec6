import { openTarTree } from '../../layers/tar-tree.js';
import type { Layer } from '../../oci/layer.js';
import { layout } from '../../store/layout.js';
import { compareTrees } from './compare-trees.js';
import type { FileDifference, LayerDifference } from './file-difference.js';
import { typicalCauses } from './typical-causes.js';

/** So many files of a step are told of. */
const MAX_FILES = 50;
/** So many are looked at for typical causes. */
const MAX_JUDGED = 5000;

export interface LayerPlace {
  readonly layer: Layer;
  /** Of the store that has its blob, uncompressed. */
  readonly root: string;
}

export interface CompareOptions {
  /** Whether times of files are bounded, so that those that differ mean something. */
  readonly withTimes: boolean;
  readonly signal: AbortSignal;
}

/** @returns `undefined` for layers of the same bytes */
export async function compareLayers(
  first: LayerPlace,
  second: LayerPlace,
  { withTimes, signal }: CompareOptions,
): Promise<LayerDifference | undefined> {
  if (first.layer.diffId === second.layer.diffId) return undefined;
  const open = ({ layer, root }: LayerPlace): ReturnType<typeof openTarTree> =>
    openTarTree(layout.blob(root, layer.descriptor.digest), { signal });
  const pair = { first: await open(first), second: await open(second) };
  const found: FileDifference[] = [];
  let [count, times] = [0, 0];
  for await (const difference of compareTrees(pair, signal)) {
    const file = withTimes ? difference : withoutTime(difference);
    if (file === undefined) {
      times += 1;
      continue;
    }
    count += 1;
    if (found.length < MAX_JUDGED) found.push(file);
  }
  const files = found.slice(0, MAX_FILES);
  return { files, omitted: count - files.length, times, advice: typicalCauses(found) };
}

function withoutTime({ path, aspects }: FileDifference): FileDifference | undefined {
  const rest = aspects.filter(({ aspect }) => aspect !== 'time');
  return rest.length === 0 ? undefined : { path, aspects: rest };
}
