import { createReadStream, lstatSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import type { BlobInfo } from '../blob-store.js';
import { layout } from '../layout.js';
import { storeError } from '../store-error.js';

/** A link, a folder, or a device is where a file should be. */
const NO_FILE: readonly string[] = ['ELOOP', 'EISDIR', 'ENXIO', 'ENODEV'];

/**
 * Why a blob could not be read. A file with other bytes than its name says is moved away, so that the blob counts as absent and
 * is fetched or made again.
 */
export async function refuseBlob(root: string, blob: BlobInfo, cause: unknown): Promise<Error> {
  const code = systemErrorCode(cause) ?? '';
  if (code === 'ENOENT') return missing(blob);
  if (!isTsbuildError(cause, 'DIGEST_MISMATCH') && !NO_FILE.includes(code)) {
    return await storeError(cause, `read blob "${blob.digest}"`, root);
  }
  const path = layout.blob(root, blob.digest);
  try {
    const found = lstatSync(path);
    // The file may be as it should be, and the descriptor wrong about its size.
    if (found.isFile() && (await hasDigest(path, blob.digest))) return misdescribed(blob, found.size);
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT'
      ? missing(blob)
      : await storeError(error, `check blob "${blob.digest}"`, root);
  }
  return damaged(blob, await quarantine(root, blob.digest), cause);
}

/** Whether a file has the bytes that a digest says. Reads the whole of it. @throws system errors */
export async function hasDigest(path: string, digest: Digest): Promise<boolean> {
  const ssri = await import('ssri');
  const algorithm = digestAlgorithm(digest);
  // ssri speaks base64 and sha512 unless told otherwise; OCI speaks hex, and mostly sha256.
  const expected = ssri.fromHex(digestHex(digest), algorithm);
  const found = await ssri.fromStream(createReadStream(path, { highWaterMark: 1 << 20 }), { algorithms: [algorithm] });
  return found.match(expected) !== false;
}

/** @returns where the file, or what is in its place, is now; `undefined` when it could not be moved, as in a store that may only be read */
export async function quarantine(root: string, digest: Digest): Promise<string | undefined> {
  const target = join(layout.corrupt(root), `${digestAlgorithm(digest)}-${digestHex(digest)}`);
  try {
    await mkdir(layout.corrupt(root), { recursive: true, mode: 0o700 });
    const path = layout.blob(root, digest);
    // A link is no damaged file, and is not kept where a tool might follow it.
    if ((await lstat(path)).isSymbolicLink()) {
      await rm(path);
      return undefined;
    }
    // What was in a folder of its name would be in the way of another.
    await rm(target, { recursive: true, force: true });
    await rename(path, target);
    return target;
  } catch {
    return undefined;
  }
}

function missing({ digest }: BlobInfo): TsbuildError {
  return new TsbuildError('STORE_IO', `cannot read blob "${digest}": it is not in the store`, {
    hint: 'Pull, load or build the image again.',
    details: { digest, state: 'missing' },
  });
}

function misdescribed({ digest, size }: BlobInfo, found: number): TsbuildError {
  return new TsbuildError(
    'DIGEST_MISMATCH',
    `cannot read blob "${digest}": it has ${found} bytes, not the ${size} it should`,
    {
      hint: 'The manifest that names the blob gives a wrong size; have its author make the image again.',
      details: { digest, size, found, state: 'misdescribed' },
    },
  );
}

function damaged({ digest }: BlobInfo, target: string | undefined, cause: unknown): TsbuildError {
  const moved = target === undefined ? '' : `The damaged file is now "${target}". `;
  return new TsbuildError('DIGEST_MISMATCH', `cannot read blob "${digest}": its file in the store is damaged`, {
    hint: `${moved}Pull, load or build the image again, and check the disk.`,
    cause,
    details: { digest, state: 'damaged' },
  });
}
