import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { closeDescriptor, openPipe } from '../../support/syscalls.js';

/** What a step reads: a pipe that somebody's stream is written to, or nothing. */
export class StepInput implements Disposable {
  /** To read from; closed by `closeReader` or with the rest. */
  readonly descriptor: number;
  readonly #flow: Disposable | undefined;
  #open = true;

  constructor(stdin: Readable | undefined) {
    if (stdin === undefined) {
      this.descriptor = openSync('/dev/null', 'r');
      return;
    }
    const { read, write } = openPipe();
    this.descriptor = read;
    this.#flow = feed(stdin, new Socket({ fd: write, readable: false, writable: true }), { end: true });
  }

  /** Once the step has it: as long as it is open here, writing to a program that reads no more would never fail. */
  closeReader(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#flow === undefined) closeSync(this.descriptor);
    else closeDescriptor(this.descriptor);
  }

  [Symbol.dispose](): void {
    this.closeReader();
    this.#flow?.[Symbol.dispose]();
  }
}

/**
 * Writes what comes from a stream to a descriptor's, at the pace of its reader. Disposing destroys the target, and leaves the stream as
 * it was found: it may have more for who comes after. pipeline() would destroy it, and pipe() would not notice a reader that is gone.
 */
export function feed(source: Readable, target: Writable, { end }: { readonly end: boolean }): Disposable {
  const move = (): void => {
    while (!target.writableNeedDrain && !target.destroyed) {
      const chunk: unknown = source.read();
      if (chunk === null) return;
      target.write(chunk);
    }
  };
  const finish = (): void => {
    if (end) target.end();
  };
  const stop = (): void => {
    source.off('readable', move).off('end', finish).off('error', finish);
    target.off('drain', move);
    source.pause();
  };
  // A program need not read all of its input: EPIPE is its good right.
  target.on('error', stop).on('drain', move);
  source.on('readable', move).once('end', finish).once('error', finish);
  if (source.readableEnded) finish();
  return {
    [Symbol.dispose]: () => {
      stop();
      target.destroy();
    },
  };
}
