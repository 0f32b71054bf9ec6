import type { Writable } from 'node:stream';
import { outputError } from '../support/output-error.js';

/** Standard output or standard error. The last three are there when it is a terminal. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Whether cursor movements make sense there, and its size is known. */
export function isTerminal(stream: OutputStream): stream is NodeJS.WriteStream {
  return stream.isTTY === true;
}

/**
 * Resolves when the text has been handed to the operating system.
 * @throws `OUTPUT_FAILED`, `DISK_FULL`; the stream's own error of code `EPIPE` when its reader is gone
 */
export async function print(stream: Writable, text: string | Uint8Array): Promise<void> {
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
