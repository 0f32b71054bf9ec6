import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtractedMember } from '../../../layers/tar/archive.js';
import { isDigest } from '../../../oci/digest.js';
import { abortable } from '../../../support/byte-streams.js';
import { compareBytes } from '../../../support/byte-string.js';
import { systemErrorCode } from '../../../support/errors.js';
import { archiveInvalid } from '../archive-error.js';

const DOCUMENTS = ['oci-layout', 'index.json', 'manifest.json'] as const;
const ALGORITHMS = ['sha256', 'sha512'] as const;
const READ_SIZE = 1 << 20;
/** Links lead out of the layout, and a pipe would be waited for. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LayoutMembersOptions {
  readonly signal: AbortSignal | undefined;
  readonly onBytes: ((count: number) => void) | undefined;
}

/**
 * A folder that is an OCI image layout, as if it were an archive of one. Only what a layout has is looked at, and only plain files.
 * @throws `ARCHIVE_INVALID` when it is no such folder; system errors
 */
export async function* layoutMembers(
  folder: string,
  options: LayoutMembersOptions,
): AsyncGenerator<ExtractedMember, void, undefined> {
  for (const name of DOCUMENTS) yield* memberAt(folder, name, options);
  for (const algorithm of ALGORITHMS) {
    for (const hex of await namesIn(join(folder, 'blobs', algorithm))) {
      if (isDigest(`${algorithm}:${hex}`)) yield* memberAt(folder, `blobs/${algorithm}/${hex}`, options);
    }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted(compareBytes);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

async function* memberAt(
  folder: string,
  name: string,
  { signal, onBytes }: LayoutMembersOptions,
): AsyncGenerator<ExtractedMember, void, undefined> {
  const file = await openFile(join(folder, name));
  if (file === undefined) return;
  try {
    const status = await file.stat();
    if (!status.isFile()) return;
    yield { name, type: 'file', size: status.size, body: abortable(contentOf(file, onBytes), 'load a layout', signal) };
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, READ_FLAGS);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw unreadable(path, error);
  }
}

async function* contentOf(
  file: FileHandle,
  onBytes: LayoutMembersOptions['onBytes'],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    // Not used again: what reads it may keep it.
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(READ_SIZE), 0, READ_SIZE, null);
    if (bytesRead === 0) return;
    onBytes?.(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

function unreadable(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTDIR') return error;
  return archiveInvalid(`"${path}" cannot be read (${code})`, { hint: 'Check its permissions.', cause: error });
}
