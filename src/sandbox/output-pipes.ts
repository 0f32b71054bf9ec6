import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { closeDescriptor, openPipe } from '../support/syscalls.js';

/**
 * The kernel's pipes from a step's stdout and stderr to two sinks, which are left open. When a sink is slow the pipe fills up
 * and the step waits. If both are one, so is the pipe, and the order in which the step wrote is kept.
 */
export class OutputPipes implements Disposable {
  /** Descriptors to write to. */
  readonly stdout: number;
  readonly stderr: number;
  /** Resolves when everything has arrived, after all writing ends are closed; rejects when a sink fails. */
  readonly finished: Promise<unknown>;
  readonly #readers: readonly Socket[];
  #writers: ReadonlySet<number>;

  constructor(sinks: { readonly stdout: Writable; readonly stderr: Writable }) {
    const out = openPipe();
    const err = sinks.stderr === sinks.stdout ? out : openPipe();
    [this.stdout, this.stderr] = [out.write, err.write];
    this.#writers = new Set([out.write, err.write]);
    const flows = new Map([
      [out.read, sinks.stdout],
      [err.read, sinks.stderr],
    ]);
    const readers = new Map(
      [...flows].map(([fd, sink]) => [new Socket({ fd, readable: true, writable: false }), sink]),
    );
    this.#readers = [...readers.keys()];
    this.finished = Promise.all([...readers].map(([reader, sink]) => forward(reader, sink)));
    // Looked at when the step is over; until then a failure only has to end the step.
    this.finished.catch(() => undefined);
  }

  /** Once the step has them: as long as they are open here, there is no end of the output. */
  closeWriters(): void {
    for (const descriptor of this.#writers) closeDescriptor(descriptor);
    this.#writers = new Set();
  }

  /** What has not arrived by now is lost. */
  [Symbol.dispose](): void {
    this.closeWriters();
    for (const reader of this.#readers) reader.destroy();
  }
}

/** Until the reader ends; rejects when the sink fails. pipeline() would leave its listeners on a sink that it may not end, one set for every step. */
export async function forward(reader: Socket, sink: Writable): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([copy(reader, sink, over.signal), broken(sink, over.signal)]);
  } finally {
    over.abort();
  }
}

async function copy(reader: Socket, sink: Writable, signal: AbortSignal): Promise<void> {
  for await (const chunk of reader as AsyncIterable<Buffer>) {
    if (!sink.write(chunk)) await once(sink, 'drain', { signal });
  }
}

/** Rejects as soon as nothing more can be written. */
async function broken(sink: Writable, signal: AbortSignal): Promise<never> {
  if (!sink.destroyed) await once(sink, 'close', { signal });
  throw sink.errored ?? new Error('a step has nowhere to write to: the stream for its output is closed');
}
