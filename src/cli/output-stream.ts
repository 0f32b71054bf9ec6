import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { outputError } from '../support/output-error.js';

/** Standard output or standard error. The last three are there when it is a terminal. */
export type OutputStream = (Writable | StreamToOpen) & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What is written to before it is known whether a stream of Node's is needed. */
export interface StreamToOpen {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  asWritable(): Writable;
}

/** The stream for who needs one of Node's. */
export function writableOf(stream: OutputStream): Writable {
  return isWritable(stream) ? stream : stream.asWritable();
}

function isWritable(stream: OutputStream): stream is Writable {
  return !('asWritable' in stream);
}

/** Whether cursor movements make sense there, and its size is known. */
export function isTerminal(stream: OutputStream): stream is NodeJS.WriteStream {
  return stream.isTTY === true;
}

/**
 * Resolves when the text has been handed to the operating system.
 * @throws `OUTPUT_FAILED`, `DISK_FULL`; the stream's own error of code `EPIPE` when its reader is gone
 */
export async function print(stream: OutputStream, text: string | Uint8Array): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } catch (error) {
    throw outputError('the output', error);
  }
}

/**
 * Writes all that there is, and leaves the stream open. Resolves when it has been handed to the operating system: a pipeline that
 * does not end its target does not wait for the last write, and what a slow reader has not taken by then ends with the process.
 * @throws what `content` throws; `ABORTED`; as `print`
 */
export async function pour(
  content: AsyncIterable<Uint8Array>,
  stream: OutputStream,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await pipeline(content, writableOf(stream), { signal, end: false });
  } catch (error) {
    throw outputError(what, error);
  }
  await print(stream, '');
}
