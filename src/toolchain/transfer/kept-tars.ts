import { statfs } from 'node:fs/promises';
import type { LayerTars } from '../../layers/snapshots/layer-tars.js';
import type { TarKeeping } from '../../registry/archive/read/tar-keeping.js';
import { layerTarsHere, type LayerTarsPlace } from '../workshop/layer-tars-here.js';

/** How many times the size of a compressed layer the disk has to have left: what it swells to, and something for all else. */
const ROOM = 8;

/** Tars of layers that are inflated anyway are kept where builds mount them, unless the disk is nearly full. */
export function keptTars(place: LayerTarsPlace): TarKeeping {
  let opened: Promise<LayerTars | undefined> | undefined;
  return {
    begin: async ({ size }) => {
      const tars = await (opened ??= layerTarsHere(place));
      return tars !== undefined && (await bytesFree(place.store.root)) > ROOM * size ? tars.create() : undefined;
    },
  };
}

async function bytesFree(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
