import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import type { LayerPlace } from '../layers-tree.js';

/** The end that goes over to a thread: says which layers are below, and is told of bytes that have been read. */
export interface LayersBelow {
  readonly port: MessagePort;
  /** 1 once the layers, or that there will be none, are to be received. */
  readonly ready: Int32Array;
}

/** The end that stays. */
export interface LayersBelowSource extends Disposable {
  readonly ends: LayersBelow;
  /** Topmost first; `null` when they will never be there. Only the first call counts. */
  answer(layers: readonly LayerPlace[] | null): void;
}

/** @param onBytes is told what `ReceivedLayers.read` is */
export function createLayersBelow(onBytes: (count: number) => void): LayersBelowSource {
  const { port1, port2 } = new MessageChannel();
  const ready = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  port1.on('message', onBytes);
  // Who waits for the answer of the thread keeps the process alive.
  port1.unref();
  const answer = (layers: readonly LayerPlace[] | null): void => {
    if (Atomics.load(ready, 0) !== 0) return;
    port1.postMessage(layers);
    Atomics.store(ready, 0, 1);
    Atomics.notify(ready, 0);
  };
  return {
    ends: { port: port2, ready },
    answer,
    [Symbol.dispose]: () => {
      answer(null);
      port1.close();
    },
  };
}

/** In the thread. */
export class ReceivedLayers implements Disposable {
  readonly #below: LayersBelow;
  #layers: readonly LayerPlace[] | undefined;

  constructor(below: LayersBelow) {
    this.#below = below;
  }

  /** Blocks this thread until all layers below are complete. @throws `ABORTED` when one of them failed */
  wait(): readonly LayerPlace[] {
    if (this.#layers !== undefined) return this.#layers;
    const { port, ready } = this.#below;
    Atomics.wait(ready, 0, 0);
    const received = receiveMessageOnPort(port) as { readonly message: readonly LayerPlace[] | null } | undefined;
    invariant(received !== undefined, 'layers are sent before they are ready');
    if (received.message === null) throw new TsbuildError('ABORTED', 'cannot unpack layer: it was cancelled');
    this.#layers = received.message;
    return this.#layers;
  }

  read(count: number): void {
    this.#below.port.postMessage(count);
  }

  [Symbol.dispose](): void {
    this.#below.port.close();
  }
}
