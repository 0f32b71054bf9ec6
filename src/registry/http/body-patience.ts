import { timedOut, type ConnectionError } from './http-message.js';

export interface PatienceLimits {
  /** Milliseconds of waiting until the next `leastBytes` have come. */
  readonly inactivityMs: number;
  readonly leastBytes: number;
}

/**
 * Gives a body up that has stalled, or comes so slowly that it might as well have: a server that lets a byte through now and then
 * would hold a transfer for good. Only waiting counts: a slow reader is no fault of the connection.
 */
export class BodyPatience {
  readonly #limits: PatienceLimits;
  readonly #give: (error: ConnectionError) => void;
  #timer: NodeJS.Timeout | undefined;
  #waitedSince = 0;
  #spentMs = 0;
  #bytes = 0;

  constructor(limits: PatienceLimits, give: (error: ConnectionError) => void) {
    this.#limits = limits;
    this.#give = give;
  }

  wait(): void {
    const { inactivityMs } = this.#limits;
    this.#waitedSince = performance.now();
    this.#timer = setTimeout(
      () => {
        const state = this.#bytes === 0 ? 'no further data came' : `only ${this.#bytes} further bytes came`;
        this.#give(timedOut(state, inactivityMs));
      },
      Math.max(1, inactivityMs - this.#spentMs),
    );
  }

  got(bytes: number): void {
    clearTimeout(this.#timer);
    this.#spentMs += performance.now() - this.#waitedSince;
    this.#bytes += bytes;
    if (this.#bytes < this.#limits.leastBytes) return;
    this.#spentMs = 0;
    this.#bytes = 0;
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
