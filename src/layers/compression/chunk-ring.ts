/** Of bytes: more than an inflater hands out at once (256 KiB and a match), so that a chunk takes one slot. */
const SLOT = 260 << 10;
const SLOTS = 4;

/** Indexes of the counters: slots that were filled, slots that were emptied. */
const FILLED = 0;
const EMPTIED = 1;
const COUNTERS = 2;

/** Milliseconds without a slot after which the other thread is believed dead. It needs less than one for each. */
const PATIENCE = 60_000;

/** Hands chunks from one thread to another through memory that both see. Each waits for the other without its event loop. */
export class ChunkRing {
  /** To be given to the other thread, which makes a ring of it. */
  readonly memory: SharedArrayBuffer;
  readonly #counters: Int32Array;
  readonly #sizes: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * (COUNTERS + SLOTS) + SLOTS * SLOT)) {
    this.memory = memory;
    this.#counters = new Int32Array(memory, 0, COUNTERS);
    this.#sizes = new Int32Array(memory, 4 * COUNTERS, SLOTS);
  }

  /** Copies a chunk; what is empty says that there are no more. @throws when the other thread has died */
  push(chunk: Uint8Array): void {
    let at = 0;
    do {
      const part = chunk.subarray(at, at + SLOT);
      const filled = Atomics.load(this.#counters, FILLED);
      this.#wait(EMPTIED, (emptied) => filled - emptied < SLOTS, PATIENCE);
      this.#slot(filled, SLOT).set(part);
      this.#sizes[filled % SLOTS] = part.length;
      this.#count(FILLED);
      at += part.length;
    } while (at < chunk.length);
  }

  /** What comes, up to the empty chunk. A chunk is valid until the next is asked for. */
  *chunks(): Generator<Buffer, void, undefined> {
    for (let emptied = 0; ; emptied++) {
      this.#wait(FILLED, (filled) => filled > emptied, Infinity);
      const size = this.#sizes[emptied % SLOTS] ?? 0;
      if (size === 0) return;
      yield this.#slot(emptied, size);
      this.#count(EMPTIED);
    }
  }

  #slot(index: number, size: number): Buffer {
    return Buffer.from(this.memory, 4 * (COUNTERS + SLOTS) + (index % SLOTS) * SLOT, size);
  }

  #count(counter: number): void {
    Atomics.add(this.#counters, counter, 1);
    Atomics.notify(this.#counters, counter);
  }

  #wait(counter: number, enough: (value: number) => boolean, patience: number): void {
    for (;;) {
      const value = Atomics.load(this.#counters, counter);
      if (enough(value)) return;
      if (Atomics.wait(this.#counters, counter, value, patience) === 'timed-out') {
        throw new Error('a thread takes no more chunks');
      }
    }
  }
}
