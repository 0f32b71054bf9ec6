import type { UnfinishedTar } from '../../../layers/snapshots/layer-tars.js';
import type { BlobInfo } from '../../../store/blob-store.js';

/** Keeps the tars of compressed layers, which are inflated to check them, so that who mounts the layers need not do it again. */
export interface TarKeeping {
  /** For a blob that is about to be inflated. `undefined` when its tar is not to be kept. */
  begin(blob: BlobInfo): Promise<UnfinishedTar | undefined>;
}
