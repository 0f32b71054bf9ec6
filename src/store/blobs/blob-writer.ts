import { open, unlink, type FileHandle } from 'node:fs/promises';
import { writeFully } from '../../support/atomic-file.js';
import { asError } from '../store-error.js';

/** Bytes after which the disk is set to work: what is written early need not be waited for at the end. */
const SYNC_INTERVAL = 64 << 20;

/** Not read-only: skopeo writes a manifest over the one that is there, and would fail. The folder keeps others out. */
const BLOB_MODE = 0o644;

/** A blob that is being written, under a name that nobody looks at. */
export interface BlobWriter {
  /** `chunk` may be reused once the promise is settled, and may be read meanwhile. */
  write(chunk: Uint8Array): Promise<void>;
  /** Nothing more will be written: the disk need not wait for `finish`. */
  hurry(): void;
  /** Everything is on the disk when the call is done. */
  finish(): Promise<void>;
  /** Removes the file. Never fails: it is called because something else did. */
  abandon(): Promise<void>;
  /** Closes the file as it is, for another day. Never fails either. */
  leave(): Promise<void>;
}

export async function createBlobWriter(path: string): Promise<BlobWriter> {
  return blobWriterOn(await open(path, 'wx', 0o600), path);
}

/** A writer that goes on at the end of an open file. */
export function blobWriterOn(file: FileHandle, path: string): BlobWriter {
  const sync = createEarlySync(file);
  return {
    async write(chunk) {
      await writeFully(file, chunk);
      sync.wrote(chunk.byteLength);
    },
    hurry() {
      sync.hurry();
    },
    async finish() {
      await sync.settled();
      await file.datasync();
      await file.chmod(BLOB_MODE);
      await file.close();
    },
    async abandon() {
      await close(file, sync);
      await unlink(path).catch(() => undefined);
    },
    async leave() {
      await close(file, sync);
    },
  };
}

async function close(file: FileHandle, sync: EarlySync): Promise<void> {
  await sync.settled().catch(() => undefined);
  await file.close().catch(() => undefined);
}

interface EarlySync {
  wrote(count: number): void;
  hurry(): void;
  settled(): Promise<void>;
}

/** The kernel reports a failed write-back to one sync only (fsync(2), NOTES): the first failure is kept and fails the blob. */
function createEarlySync(file: FileHandle): EarlySync {
  let unsynced = 0;
  let isLarge = false;
  let running = 0;
  let last = Promise.resolve();
  let failure: Error | undefined;
  const sync = async (): Promise<void> => {
    try {
      await file.datasync();
    } catch (error) {
      failure ??= asError(error);
    } finally {
      running -= 1;
    }
  };
  const begin = (): void => {
    unsynced = 0;
    isLarge = true;
    running += 1;
    last = last.then(sync);
  };
  return {
    wrote(count) {
      unsynced += count;
      if (unsynced >= SYNC_INTERVAL && running === 0) begin();
    },
    hurry() {
      if (isLarge) begin();
    },
    async settled() {
      await last;
      if (failure !== undefined) throw failure;
    },
  };
}
