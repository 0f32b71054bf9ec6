import type { Descriptor } from '../oci/descriptor.js';

/** How one blob of an image comes along. */
export interface BlobEvent {
  readonly descriptor: Descriptor;
  /** Bytes so far. */
  readonly current: number;
  /** Set in the blob's last event. */
  readonly done: boolean;
  /** It was there already: nothing had to move. */
  readonly existed: boolean;
}

export type BlobSink = (event: BlobEvent) => void;

/** Turns the counts of one blob's transfer into events. */
export function blobProgress(
  descriptor: Descriptor,
  sink: BlobSink = () => undefined,
): { readonly onBytes: (count: number) => void; readonly finish: (existed: boolean) => void } {
  let current = 0;
  return {
    onBytes(count) {
      current += count;
      sink({ descriptor, current, done: false, existed: false });
    },
    finish(existed) {
      sink({ descriptor, current: descriptor.size, done: true, existed });
    },
  };
}
