import { mkdir } from 'node:fs/promises';
import type { Digest } from '../oci/digest.js';
import { acquireFileLock, acquireTransientLock } from '../support/file-lock.js';
import type { BlobStore } from './blob-store.js';
import { FsBlobStore } from './fs-blob-store.js';
import { FsRecordStore } from './fs-record-store.js';
import type { ImageStore } from './image-store.js';
import { ensureLayout, layout } from './layout.js';
import { OciImageStore } from './oci-image-store.js';
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
export async function openStore(root: string): Promise<OpenStore> {
  await ensureLayout(root);
  return new FsStore(root);
}

class FsStore implements OpenStore {
  readonly root: string;
  readonly blobs: BlobStore;
  readonly images: ImageStore;
  readonly records: RecordStore;
  readonly snapshotsDirectory: string;
  readonly cacheMountsDirectory: string;
  readonly #area: TemporaryArea;

  constructor(root: string) {
    this.root = root;
    this.#area = new TemporaryArea(root);
    this.blobs = new FsBlobStore(root, this.#area);
    this.images = new OciImageStore(root, this.blobs);
    this.records = new FsRecordStore(root);
    this.snapshotsDirectory = layout.snapshots(root);
    this.cacheMountsDirectory = layout.cacheMounts(root);
  }

  /** Of this process alone, and made when it is first asked for, which loads the system calls: not to be asked for early. */
  get temporaryDirectory(): string {
    return this.#area.directory;
  }

  async lock(
    mode: 'shared' | 'exclusive',
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<StoreLock> {
    return await onStore(`lock store "${this.root}"`, this.root, async () => {
      return await acquireFileLock(layout.lock(this.root, 'store'), mode, options);
    });
  }

  async claim(
    work: Digest,
    options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined } = {},
  ): Promise<StoreLock> {
    return await onStore(`lock store "${this.root}"`, this.root, async () => {
      await mkdir(layout.claims(this.root), { recursive: true, mode: 0o700 });
      return await acquireTransientLock(layout.claim(this.root, work), options);
    });
  }

  [Symbol.dispose](): void {
    this.#area[Symbol.dispose]();
  }
}
