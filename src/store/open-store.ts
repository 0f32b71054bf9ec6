import type { Digest } from '../oci/digest.js';
import { existsSync, mkdirSync } from 'node:fs';
import { systemErrorCode } from '../support/errors.js';
import { acquireFileLock, acquireTransientLock, tryFileLock } from '../support/file-lock.js';
import { openAdditionalStores } from './additional-store.js';
import type { BlobStore } from './blob-store.js';
import { FsBlobStore } from './blobs/fs-blob-store.js';
import { FsRecordStore } from './records/fs-record-store.js';
import type { ImageStore } from './image-store.js';
import { LayeredBlobStore } from './blobs/layered-blob-store.js';
import { LayeredImageStore } from './images/layered-image-store.js';
import { LayerIndexes } from './records/layer-indexes.js';
import { ensureLayout, layout } from './layout.js';
import { OciImageStore } from './images/oci-image-store.js';
import type { RecordStore } from './record-store.js';
import { onStore } from './store-error.js';
import type { Store, StoreLock } from './store.js';
import { TemporaryArea } from './temporary-area.js';

/** A store of this process. Disposing of it removes what is unfinished; without that, the next process does. */
export interface OpenStore extends Store, Disposable {}

/**
 * Opens the store in a folder, and makes it when it is missing. Cheap: an existing store costs the reading of one small file.
 * @param root absolute path
 * @throws `STORE_INVALID` when a newer program made it, or the folder holds something else; `STORE_IO`
 */
export async function openStore(root: string, options: OpenStoreOptions = {}): Promise<OpenStore> {
  await ensureLayout(root);
  return new FsStore(root, options);
}

export interface OpenStoreOptions {
  /** Absolute paths of stores that are only read: what they have, this one need not have. The first that has a thing serves it. */
  readonly additional?: readonly string[] | undefined;
  /** Told of what is passed over in those. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** So that its owner does not collect meanwhile what is used here. Who may not, does without. */
function lockIfAllowed(path: string): readonly StoreLock[] {
  try {
    const lock = existsSync(path) ? tryFileLock(path, 'shared') : undefined;
    return lock === undefined ? [] : [lock];
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}

class FsStore implements OpenStore {
  readonly root: string;
  readonly blobs: BlobStore;
  readonly images: ImageStore;
  readonly records: RecordStore;
  readonly layerIndexes: LayerIndexes;
  readonly snapshotsDirectory: string;
  readonly cacheMountsDirectory: string;
  readonly additionalRoots: readonly string[];
  readonly #area: TemporaryArea;

  constructor(root: string, { additional: roots = [], onWarning = () => undefined }: OpenStoreOptions) {
    this.root = root;
    this.#area = new TemporaryArea(root);
    this.records = new FsRecordStore(root);
    this.layerIndexes = new LayerIndexes(root);
    const others = roots.filter((other) => other !== root);
    const additional = openAdditionalStores(others, { records: this.records, onWarning });
    this.additionalRoots = additional.map((store) => store.root);
    const blobs = new FsBlobStore(root, this.#area);
    this.blobs = additional.length === 0 ? blobs : new LayeredBlobStore(blobs, additional);
    const images = new OciImageStore(root, this.blobs);
    const theirs = this.additionalRoots.map((each) => new OciImageStore(each, this.blobs));
    this.images = theirs.length === 0 ? images : new LayeredImageStore(images, theirs);
    this.snapshotsDirectory = layout.snapshots(root);
    this.cacheMountsDirectory = layout.cacheMounts(root);
  }

  /** Of this process alone, and made when it is first asked for, which loads the system calls: not to be asked for early. */
  get temporaryDirectory(): string {
    return this.#area.directory;
  }

  async lock(
    mode: 'shared' | 'exclusive',
    options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined } = {},
  ): Promise<StoreLock> {
    return await onStore(`lock store "${this.root}"`, this.root, async () => {
      const own = await acquireFileLock(layout.lock(this.root, 'store'), mode, options);
      const others = this.additionalRoots.flatMap((root) => lockIfAllowed(layout.lock(root, 'store')));
      return {
        [Symbol.dispose]() {
          for (const lock of [own, ...others]) lock[Symbol.dispose]();
        },
      };
    });
  }

  async claim(
    work: Digest,
    options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined } = {},
  ): Promise<StoreLock> {
    return await onStore(`lock store "${this.root}"`, this.root, async () => {
      mkdirSync(layout.claims(this.root), { recursive: true, mode: 0o700 });
      return await acquireTransientLock(layout.claim(this.root, work), options);
    });
  }

  [Symbol.dispose](): void {
    this.#area[Symbol.dispose]();
  }
}
