import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from './byte-streams.js';
import { systemErrorCode } from './errors.js';

const LONGEST_PAUSE_MS = 50;

/**
 * Opens a named pipe for writing, when somebody reads it. All waiting is done in the event loop: a thread of Node's pool that waits
 * for a reader could not be cancelled, and would keep the process from ending.
 * @throws `ABORTED`, `AbortError`; system errors
 */
export async function openPipe(path: string, signal?: AbortSignal): Promise<Writable> {
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    throwIfAborted(`write into "${path}"`, signal);
    const descriptor = openIfRead(path);
    // Node's word for a descriptor that is polled.
    if (descriptor !== undefined) return new Socket({ fd: descriptor, readable: false, writable: true });
    await delay(pauseMs, undefined, { signal });
  }
}

/** fifo(7): without blocking, opening for writing fails with ENXIO while nobody reads. */
function openIfRead(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) === 'ENXIO') return undefined;
    throw error;
  }
}
