import { closeDescriptor } from '../../support/syscalls.js';

/** Descriptors to be closed together. */
export class Descriptors implements Disposable {
  readonly #open: number[] = [];

  keep(descriptor: number): number {
    this.#open.push(descriptor);
    return descriptor;
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#open.splice(0)) closeDescriptor(descriptor);
  }
}
