import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Verifier } from '../../oci/verify-stream.js';
import { systemErrorCode } from '../../support/errors.js';
import { blobWriterOn, type BlobWriter } from './blob-writer.js';
import { layout } from '../layout.js';

/** Milliseconds. Whoever has not gone on with a download a day later will not. */
const KEPT_FOR = 24 * 3_600_000;
const CHUNK = 1 << 20;
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The first bytes of a blob, in a file that grows. Only for who has the blob's lock. */
export interface PartialBlob {
  /** Bytes that are there; what they are is not known before `replay` has shown them to a verifier. */
  readonly size: number;
  readonly writer: BlobWriter;
  replay(verifier: Verifier): Promise<void>;
}

/** @throws system errors */
export async function openPartialBlob(path: string, maxSize: number): Promise<PartialBlob> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, FLAGS, 0o600);
  try {
    const { size } = await file.stat();
    // More than the blob has cannot be its beginning.
    if (size > maxSize) await file.truncate(0);
    const kept = size > maxSize ? 0 : size;
    const replay = async (verifier: Verifier): Promise<void> => {
      await readInto(file, kept, verifier);
    };
    return { size: kept, writer: blobWriterOn(file, path), replay };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readInto(file: FileHandle, size: number, verifier: Verifier): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, size));
  for (let position = 0; position < size;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - position), position);
    if (bytesRead === 0) return;
    verifier.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** Removes what nobody has gone on with for a day. Only for who has the store to itself. */
export async function removeOldPartials(root: string): Promise<void> {
  for (const name of await namesIn(layout.partials(root))) {
    const path = join(layout.partials(root), name);
    if ((await stat(path)).mtimeMs < Date.now() - KEPT_FOR) await rm(path, { force: true });
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
