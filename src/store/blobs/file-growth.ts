/** What the thread that writes a file tells another of it, through memory that both see: how many bytes are there, and when it is all. */
export class FileGrowth {
  /** To be given to the other thread, which makes a growth of it. */
  readonly memory: SharedArrayBuffer;
  /** One number: the bytes that are in the file, and their complement, which is negative, once no more will come. */
  readonly #size: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#size = new BigInt64Array(memory);
  }

  /** So many bytes more are in the file. */
  grew(bytes: number): void {
    Atomics.add(this.#size, 0, BigInt(bytes));
    Atomics.notify(this.#size, 0);
  }

  /** No more will come. To be called once. */
  end(): void {
    Atomics.store(this.#size, 0, ~Atomics.load(this.#size, 0));
    Atomics.notify(this.#size, 0);
  }

  /** Blocks the thread: the size of the file whenever it has grown since it was last looked at, up to the end. */
  *sizes(): Generator<number, void, undefined> {
    for (let known = 0n; ;) {
      const told = Atomics.load(this.#size, 0);
      const size = told < 0n ? ~told : told;
      if (size > known) yield Number(size);
      if (told < 0n) return;
      // At once, when more was told meanwhile.
      Atomics.wait(this.#size, 0, told);
      known = size;
    }
  }
}
