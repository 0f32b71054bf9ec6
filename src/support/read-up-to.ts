import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * What a file holds or a pipe gives, but no more than one byte beyond `limit`, by which it can be told to be longer. A file is read at
 * once: a turn of the event loop, with threads for it, would cost more than the few bytes. A pipe may keep its readers waiting.
 * @returns `undefined` where there is nothing: most that are asked for are not there, and an error would be made to be thrown away
 * @throws the system's other errors; EISDIR for a directory
 */
export async function readUpTo(path: string, limit: number): Promise<Uint8Array | undefined> {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  return status.isFile() ? readFile(path, { limit, expected: status.size }) : await readPipe(path, limit);
}

function readFile(
  path: string,
  { limit, expected }: { readonly limit: number; readonly expected: number },
): Uint8Array {
  // Should it have become a pipe, it has no bytes.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let buffer = Buffer.allocUnsafe(Math.min(Math.max(expected, SMALL_BYTES), limit) + 1);
    let size = 0;
    for (;;) {
      const count = readSync(file, buffer, size, buffer.length - size, null);
      size += count;
      if (count === 0 || size > limit) return buffer.subarray(0, size);
      // Longer than it said, as files of /proc are.
      if (size === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(limit + 1 - size)]);
    }
  } finally {
    closeSync(file);
  }
}

const SMALL_BYTES = 4096;

async function readPipe(path: string, limit: number): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const buffer = Buffer.alloc(limit + 1);
  let size = 0;
  for (;;) {
    // At no position: a pipe has none.
    const { bytesRead } = await file.read(buffer, size, buffer.length - size);
    size += bytesRead;
    if (bytesRead === 0 || size > limit) return buffer.subarray(0, size);
  }
}
