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
 * Chunks of `size` bytes and a shorter last one, for writers that pay by the call. Chunks that are long already pass as they
 * are. A chunk is valid until the next is asked for.
 */
export async function* gather(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer: Buffer | undefined;
  let filled = 0;
  for await (const chunk of source) {
    if (filled === 0 && chunk.byteLength * 2 >= size) {
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
  const cancellation = new Cancellation(what, signal);
  let ended = false;
  try {
    for (;;) {
      throwIfAborted(what, signal);
      const result = await cancellation.orElse(iterator.next());
      if (result.done === true) break;
      yield result.value;
    }
    ended = true;
  } finally {
    cancellation.forget();
    if (!ended) await giveUp(source, iterator, signal.aborted);
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

/**
 * Not `Promise.race` with one promise for the cancellation: that promise would keep every result that it was raced against, and so
 * every chunk of the stream, until the signal is forgotten.
 */
class Cancellation {
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  #reject: (error: Error) => void = () => undefined;

  constructor(what: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#onAbort = () => {
      this.#reject(abortedError(what, signal));
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** What `pending` comes to; fails with `ABORTED` when that comes first, and then nobody minds how `pending` ends. */
  async orElse<T>(pending: Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      pending.then(resolve, reject);
    });
  }

  forget(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
