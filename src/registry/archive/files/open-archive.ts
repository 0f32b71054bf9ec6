import { open as openDescriptor, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { createDigester } from '../../../oci/digest.js';
import { systemErrorCode, TsbuildError } from '../../../support/errors.js';
import { archiveInvalid, inArchive, shownArchive } from '../archive-error.js';
import { archiveFiles, type ArchiveFile } from './archive-parts.js';
import { CHECKSUM_FILE } from './checksum-list.js';

/** Bytes. Archives are large: bigger reads halve the time spent on them. */
const READ_SIZE = 1 << 20;

export interface OpenedArchive extends AsyncDisposable {
  /** What it is called in messages. */
  readonly shown: string;
  readonly source: AsyncIterable<Uint8Array> | { readonly layout: string };
  /** Bytes of all files; `undefined` where that cannot be known, as of a pipe. */
  readonly size: number | undefined;
}

/**
 * An archive in one file, or in the parts that it was split into: all of them, or the first, beside which the others are found.
 * Or a folder that is an OCI image layout. Files that a `SHA256SUMS` beside them lists are checked against it while they are read.
 * @param paths absolute
 * @throws `USAGE` when a file cannot be opened, `ARCHIVE_INVALID` when a part is missing
 */
export async function openArchive(paths: readonly string[]): Promise<OpenedArchive> {
  const [only = '', second] = paths;
  const status = second === undefined ? await statusOf(only) : undefined;
  if (status?.isDirectory() === true) {
    const shown = shownArchive(only, 'layout');
    return { shown, source: { layout: only }, size: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (status?.isFIFO() === true) return await openPipe(only);
  const files: OpenFile[] = [];
  const close = async (): Promise<void> => {
    for (const { handle } of files) await handle.close();
  };
  try {
    for (const file of await archiveFiles(paths)) files.push({ ...file, handle: await openFile(file.path) });
    const source = contentOf(files);
    return { shown: shownArchive(only), source, size: await sizeOf(files), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw inArchive(error, shownArchive(only));
  }
}

interface OpenFile extends ArchiveFile {
  readonly handle: FileHandle;
}

async function statusOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Not as a file: a read that waits for who writes would keep even process.exit() from ending the process. */
async function openPipe(path: string): Promise<OpenedArchive> {
  const socket = new Socket({ fd: await promisify(openDescriptor)(path, 'r'), readable: true, writable: false });
  const close = (): Promise<void> => {
    socket.destroy();
    return Promise.resolve();
  };
  return { shown: shownArchive(path), source: socket, size: undefined, [Symbol.asyncDispose]: close };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function sizeOf(files: readonly OpenFile[]): Promise<number | undefined> {
  let size = 0;
  for (const { handle } of files) {
    const status = await handle.stat();
    if (!status.isFile()) return undefined;
    size += status.size;
  }
  return size;
}

async function* contentOf(files: readonly OpenFile[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const file of files) {
    const digester = file.digest === undefined ? undefined : createDigester();
    for (;;) {
      // Not used again: what reads it may keep it.
      const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafeSlow(READ_SIZE), 0, READ_SIZE, null);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      digester?.update(chunk);
      yield chunk;
    }
    const found = digester?.finish().digest;
    if (found !== undefined && found !== file.digest) throw changed(file, found);
  }
}

function changed({ path, digest }: ArchiveFile, found: string): TsbuildError {
  const expected: string = digest ?? 'none';
  return archiveInvalid(
    `the file "${basename(path)}" has the digest ${found}, and ${CHECKSUM_FILE} beside it says ${expected}`,
    {
      code: 'DIGEST_MISMATCH',
      hint: 'Copy the file again: it was changed or damaged on its way.',
      details: { expected, found },
    },
  );
}

const STATES: Readonly<Record<string, string>> = { ENOENT: 'no such file', EACCES: 'permission denied' };

function unreadable(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  return new TsbuildError('USAGE', `cannot read archive "${path}": ${STATES[code] ?? code}`, {
    hint:
      code === 'ENOENT'
        ? 'Check the path; of an archive in parts, give the first, which ends in .001.'
        : 'Check the path.',
  });
}
