import { closeSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { writeFullySync } from '../../support/atomic-file.js';
import type { ByteString } from '../../support/byte-string.js';
import { removeTree } from '../../support/files.js';
import { isIntactErofs } from '../erofs/erofs-seal.js';
import { writeErofs } from '../erofs/write-erofs.js';
import type { ImageSnapshots } from '../snapshotter.js';
import type { LayerTars } from './layer-tars.js';
import { IMAGE, type SnapshotFolder, type SnapshotImage } from './snapshot-folder.js';

export interface ImagesOptions {
  readonly tars: LayerTars;
  /** overlayfs's mark on opaque directories. */
  readonly opaqueXattr: ByteString;
}

/** Images of layers among the snapshots of a folder, in which those are used that `usableImages` says so of. */
export function createImages(folder: SnapshotFolder, { tars, opaqueXattr }: ImagesOptions): ImageSnapshots {
  return {
    tars,
    layerOf: (id) => folder.load(id)?.image?.diffId,
    commit: async (id, { parent, root, diffId, tarSize }) => {
      const unfinished = folder.create();
      try {
        writePieces(path.join(unfinished, IMAGE), writeErofs({ diffId, tarSize, root }, { id, opaqueXattr }));
        await folder.publish(unfinished, id, { parent, owners: new Map(), image: { diffId, tarSize } });
      } finally {
        // Once it is committed nothing is left there.
        await removeTree(unfinished);
      }
    },
  };
}

/** Says of images whether they are as they were written, and their tars are there. Each is read once, until it is another file. */
export function usableImages(tars: LayerTars): (image: SnapshotImage, place: string) => boolean {
  const read = new Map<string, boolean>();
  return ({ diffId, tarSize }, place) => {
    const file = path.join(place, IMAGE);
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined || tars.find(diffId, tarSize) === undefined) return false;
    const state = `${file} ${stat.ino} ${stat.size} ${stat.ctimeNs}`;
    const intact = read.get(state) ?? isIntactErofs(file);
    read.set(state, intact);
    return intact;
  };
}

function writePieces(file: string, pieces: Iterable<Uint8Array>): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    for (const piece of pieces) writeFullySync(descriptor, piece);
  } finally {
    closeSync(descriptor);
  }
}
