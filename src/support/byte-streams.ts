import { Readable } from 'node:stream';
import { TsbuildError } from './errors.js';

/**
 * All bytes of a source that is known to be small.
 * @throws what `tooLong` makes (a `RangeError` unless given) as soon as there are more than `maxBytes`
 */
export async function collect(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLong: () => Error = () => new RangeError(`more than ${maxBytes} bytes`),
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLong();
    // A copy: a source may reuse its buffer once the next chunk is asked for.
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks, size);
}

/** Gives up a source that nobody will read, so that its file or connection is closed. */
export async function discard(source: AsyncIterable<Uint8Array>): Promise<void> {
  if (source instanceof Readable) source.destroy();
  else await source[Symbol.asyncIterator]().return?.();
}

/**
 * Short chunks as chunks of `size` bytes, for writers that pay by the call; what is left before a long chunk, and at the end, is
 * shorter. Chunks of half of `size` and more are long, and pass as they are. A chunk is valid until the next is asked for.
 */
export async function* gather(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer: Buffer | undefined;
  let filled = 0;
  for await (const chunk of source) {
    if (chunk.byteLength * 2 >= size) {
      if (buffer !== undefined && filled > 0) yield buffer.subarray(0, filled);
      filled = 0;
      yield chunk;
      continue;
    }
    buffer ??= Buffer.allocUnsafeSlow(size);
    let rest = chunk;
    while (filled + rest.byteLength >= size) {
      buffer.set(rest.subarray(0, size - filled), filled);
      rest = rest.subarray(size - filled);
      filled = 0;
      yield buffer;
    }
    buffer.set(rest, filled);
    filled += rest.byteLength;
  }
  if (buffer !== undefined && filled > 0) yield buffer.subarray(0, filled);
}

/**
 * The same bytes, until `signal` aborts: then fails with `ABORTED` at once, even while the source hangs, and gives the source up.
 * @param what names what is being done, as in `cannot <what>: it was cancelled`
 */
export async function* abortable(
  source: AsyncIterable<Uint8Array>,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  throwIfAborted(what, signal);
  const iterator = source[Symbol.asyncIterator]();
  const cancelled = cancellation(what, signal);
  let ended = false;
  try {
    for (;;) {
      const next = iterator.next();
      // Should the cancellation win, this one's failure is of no interest to anybody.
      next.catch(() => undefined);
      const result = await cancelled.unless(next);
      if (result.done === true) break;
      yield result.value;
    }
    ended = true;
  } finally {
    cancelled.forget();
    if (!ended) await giveUp(source, iterator, signal.aborted);
  }
}

/** Passes everything on, and tells of each chunk before that. */
export async function* observed<T>(
  source: AsyncIterable<T>,
  onChunk: (chunk: T) => void,
): AsyncGenerator<T, void, undefined> {
  for await (const chunk of source) {
    onChunk(chunk);
    yield chunk;
  }
}

/** @throws `ABORTED` */
export function throwIfAborted(what: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(what, signal);
}

function abortedError(what: string, signal: AbortSignal): TsbuildError {
  return new TsbuildError('ABORTED', `cannot ${what}: it was cancelled`, { cause: signal.reason });
}

/** A generator that hangs in `next` answers `return` only after it: nobody can wait for that once it was cancelled. */
async function giveUp(
  source: AsyncIterable<Uint8Array>,
  iterator: AsyncIterator<Uint8Array>,
  hanging: boolean,
): Promise<void> {
  if (source instanceof Readable) source.destroy();
  const returned = Promise.resolve(iterator.return?.());
  if (hanging) returned.catch(() => undefined);
  else await returned;
}

interface Cancellation {
  /** The promise, or the cancellation when that comes first. One at a time. */
  readonly unless: <T>(promise: Promise<T>) => Promise<T>;
  readonly forget: () => void;
}

/**
 * Not Promise.race() with one promise for all of the stream: each race would add a reaction to it, which keeps the chunk that
 * the race gave, and in the end the whole stream is in memory.
 */
function cancellation(what: string, signal: AbortSignal): Cancellation {
  let fail: (error: TsbuildError) => void = () => undefined;
  const onAbort = (): void => {
    fail(abortedError(what, signal));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    unless: (promise) =>
      new Promise((resolve, reject) => {
        fail = reject;
        promise.then(resolve, reject);
        if (signal.aborted) onAbort();
      }),
    forget: () => {
      signal.removeEventListener('abort', onAbort);
    },
  };
}
