import type { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { systemErrorCode } from '../../support/errors.js';
import { setTerminalSize, type TerminalSize } from '../../support/pseudo-terminal.js';
import type { Attachment } from '../attachment.js';
import { forward } from './output-pipes.js';
import { feed } from './step-input.js';

/** Our end of a step's terminal: keys go in, what is shown comes out. */
export class StepTerminal implements Disposable {
  /** Resolves when nobody has the terminal open any more, and all that was shown has arrived; rejects when the sink fails. */
  readonly finished: Promise<unknown>;
  readonly #descriptor: number;
  readonly #stream: ReadStream;
  readonly #keys: Disposable | undefined;

  /** @param descriptor becomes this object's */
  constructor(descriptor: number, { stdin }: Attachment, stdout: Writable) {
    this.#descriptor = descriptor;
    this.#stream = new ReadStream(descriptor);
    // The end of a file of keys is not the end of the terminal, which has a key for that.
    if (stdin !== undefined) this.#keys = feed(stdin, this.#stream, { end: false });
    this.finished = show(this.#stream, stdout);
    this.finished.catch(() => undefined);
  }

  resize(size: TerminalSize): void {
    if (!this.#stream.destroyed) setTerminalSize(this.#descriptor, size);
  }

  [Symbol.dispose](): void {
    this.#keys?.[Symbol.dispose]();
    this.#stream.destroy();
  }
}

async function show(stream: ReadStream, sink: Writable): Promise<void> {
  try {
    await forward(stream, sink);
  } catch (error) {
    // How the kernel says that the last program has closed it (pty(7)).
    if (systemErrorCode(error) !== 'EIO') throw error;
  }
}
