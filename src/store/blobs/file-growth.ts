/** Indexes of the facts: bytes that are in the file, and whether no more will come. */
const SIZE = 0;
const ENDED = 1;
const FACTS = 2;

/** What the thread that writes a file tells another of it, through memory that both see: how many bytes are there, and when it is all. */
export class FileGrowth {
  /** To be given to the other thread, which makes a growth of it. */
  readonly memory: SharedArrayBuffer;
  readonly #facts: BigInt64Array;
  /** Counts what was told. It is what the other waits for: facts of 64 bits, and two of them, cannot be. */
  readonly #told: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8 * FACTS + 4)) {
    this.memory = memory;
    this.#facts = new BigInt64Array(memory, 0, FACTS);
    this.#told = new Int32Array(memory, 8 * FACTS, 1);
  }

  /** So many bytes more are in the file. */
  grew(bytes: number): void {
    Atomics.add(this.#facts, SIZE, BigInt(bytes));
    this.#tell();
  }

  /** No more will come. */
  end(): void {
    Atomics.store(this.#facts, ENDED, 1n);
    this.#tell();
  }

  /** Blocks the thread: the size of the file whenever it has grown since it was last looked at, up to the end. */
  *sizes(): Generator<number, void, undefined> {
    for (let known = 0n; ;) {
      const told = Atomics.load(this.#told, 0);
      // Before the size: what is told after the end is nothing.
      const ended = Atomics.load(this.#facts, ENDED) === 1n;
      const size = Atomics.load(this.#facts, SIZE);
      if (size > known) yield Number(size);
      else if (ended) return;
      else Atomics.wait(this.#told, 0, told);
      known = size;
    }
  }

  #tell(): void {
    Atomics.add(this.#told, 0, 1);
    Atomics.notify(this.#told, 0);
  }
}
