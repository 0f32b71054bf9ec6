import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { closeDescriptor, openPipe } from '../../support/syscalls.js';

export interface OutputSinks {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Whether both outputs go to one place: then they are one pipe, so that the order in which a step wrote is kept. */
export const isOneSink = ({ stdout, stderr }: OutputSinks): boolean => stdout === stderr;

/** Reading ends of pipes from a step's outputs to two sinks, which are left open. When a sink is slow the pipe fills up and the step waits. */
export class OutputReaders implements Disposable {
  /** Resolves when everything has arrived, after all writing ends are closed; rejects when a sink fails. */
  readonly finished: Promise<unknown>;
  readonly #readers: readonly Socket[];

  /** @param ends - descriptors, which it closes; `stderr` is closed at once when both go to one place */
  constructor(sinks: OutputSinks, ends: { readonly stdout: number; readonly stderr: number }) {
    const open = (fd: number): Socket => new Socket({ fd, readable: true, writable: false });
    const flows: [Socket, Writable][] = [[open(ends.stdout), sinks.stdout]];
    if (!isOneSink(sinks)) flows.push([open(ends.stderr), sinks.stderr]);
    else if (ends.stderr !== ends.stdout) closeDescriptor(ends.stderr);
    this.#readers = flows.map(([reader]) => reader);
    this.finished = Promise.all(flows.map(([reader, sink]) => forward(reader, sink)));
    // Looked at when the step is over; until then a failure only has to end the step.
    this.finished.catch(() => undefined);
  }

  /** What has not arrived by now is lost. */
  [Symbol.dispose](): void {
    for (const reader of this.#readers) reader.destroy();
  }
}

/** The kernel's pipes from a step's stdout and stderr to two sinks. */
export class OutputPipes implements Disposable {
  /** Descriptors to write to. */
  readonly stdout: number;
  readonly stderr: number;
  /** As that of `OutputReaders`. */
  readonly finished: Promise<unknown>;
  readonly #readers: OutputReaders;
  #writers: ReadonlySet<number>;

  constructor(sinks: OutputSinks) {
    const out = openPipe();
    const err = isOneSink(sinks) ? out : openPipe();
    [this.stdout, this.stderr] = [out.write, err.write];
    this.#writers = new Set([out.write, err.write]);
    this.#readers = new OutputReaders(sinks, { stdout: out.read, stderr: err.read });
    this.finished = this.#readers.finished;
  }

  /** Once the step has them: as long as they are open here, there is no end of the output. */
  closeWriters(): void {
    for (const descriptor of this.#writers) closeDescriptor(descriptor);
    this.#writers = new Set();
  }

  [Symbol.dispose](): void {
    this.closeWriters();
    this.#readers[Symbol.dispose]();
  }
}

/** Until the reader ends; rejects when the sink fails. pipeline() would leave its listeners on a sink that it may not end. */
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
