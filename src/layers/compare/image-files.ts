import type { RawConfig, RawManifest } from '../../oci/image.js';
import type { Layer } from '../../oci/layer.js';
import type { BlobReader } from '../../store/blob-store.js';
import type { ByteString } from '../../support/byte-string.js';
import type { NodesTree } from '../index/nodes-tree.js';
import type { ChangedFile } from './compare-files.js';
import type { SmallFilesOptions } from './small-files.js';

/** The files of an image by the indexes of its layers: nothing is unpacked. */
export interface ImageFiles extends AsyncDisposable {
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  /** Bottommost first. */
  readonly layers: readonly Layer[];
  /**
   * What the image shows after each of its layers, of which the indexes that are missing are made. They can be looked at when this
   * has been disposed of; contents cannot.
   * @throws `LAYER_INVALID`, also for an image of more than a million files; `STORE_IO`, `DISK_FULL`, `ABORTED`
   */
  trees(): Promise<readonly NodesTree[]>;
  readonly blobs: Pick<BlobReader, 'has' | 'open'>;
  /** What these files and those of another image do not have alike. */
  compare(after: ImageFiles, options: { readonly times: boolean }): Promise<readonly ChangedFile[]>;
  /** Files that are there, each whole. */
  read(paths: readonly ByteString[], options: SmallFilesOptions): Promise<ReadonlyMap<ByteString, Buffer>>;
}
