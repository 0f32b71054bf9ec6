import { join } from 'node:path';
import type { LayerTars } from '../../layers/snapshots/layer-tars.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';
import { chooseSnapshotter } from './choose-snapshotter.js';
import { currentIdMapping } from './workshop.js';

export interface LayerTarsPlace {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The tars that builds of this user mount layers from on this machine; `undefined` where they unpack them. Tries to mount. */
export async function layerTarsHere({ store, env }: LayerTarsPlace): Promise<LayerTars | undefined> {
  if (process.geteuid?.() !== 0 || currentIdMapping() !== 'host') return undefined;
  if (!(await mountsLayers({ store, env }))) return undefined;
  const { LayerTars } = await import('../../layers/snapshots/layer-tars.js');
  const directory = join(store.snapshotsDirectory, 'host');
  return new LayerTars({ directory, temporaryDirectory: store.temporaryDirectory, roots: [store.root] });
}

async function mountsLayers({ store, env }: LayerTarsPlace): Promise<boolean> {
  const { createSandbox } = await import('../../sandbox/create-sandbox.js');
  try {
    const options = { temporaryDirectory: store.temporaryDirectory, isolation: 'auto', upcoming: () => 0 } as const;
    await using sandbox = await createSandbox(options);
    const mountable = { overlay: sandbox.overlay, images: sandbox.images === true };
    return chooseSnapshotter(env['TSBUILD_SNAPSHOTTER'], mountable) === 'erofs';
  } catch (error) {
    // Where no step can run nothing is mounted. A build says why.
    if (isTsbuildError(error)) return false;
    throw error;
  }
}
