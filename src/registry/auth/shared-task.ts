import { TsbuildError } from '../../support/errors.js';

/**
 * Work that several wait for. Each may stop waiting by a signal of its own; when the last has, the work is cancelled.
 */
export class SharedTask<T> {
  readonly result: Promise<T>;
  readonly #cancel = new AbortController();
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.result = work(this.#cancel.signal);
    // Whoever waits is told; when nobody does any more, nobody needs to be.
    this.result.catch(() => undefined);
  }

  /** Nobody waits any more: whoever comes now needs work of their own. */
  get isCancelled(): boolean {
    return this.#cancel.signal.aborted;
  }

  /** @throws `ABORTED`; what the work throws */
  async wait(signal: AbortSignal | undefined): Promise<T> {
    if (isAborted(signal)) throw aborted(signal);
    this.#waiting += 1;
    let onAbort: (() => void) | undefined;
    const cancelled = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(aborted(signal));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([this.result, cancelled]);
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      this.#waiting -= 1;
      if (this.#waiting === 0 && isAborted(signal)) this.#cancel.abort(signal?.reason);
    }
  }
}

/** The compiler holds that what was false before a wait is false after it. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function aborted(signal: AbortSignal | undefined): TsbuildError {
  return new TsbuildError('ABORTED', 'cannot get a token for the registry: it was cancelled', {
    cause: signal?.reason,
  });
}
