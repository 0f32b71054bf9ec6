import type { Descriptor } from '../oci/descriptor.js';

/** How one blob of an image comes along. */
export interface BlobEvent {
  readonly descriptor: Descriptor<string>;
  /** Bytes so far. */
  readonly current: number;
  /** Set in the blob's last event. */
  readonly done: boolean;
  /** It was there already: nothing had to move. */
  readonly existed: boolean;
}

export type BlobSink = (event: BlobEvent) => void;

export interface BlobProgress {
  /** The transfer begins, perhaps again, where so many bytes are there already. */
  readonly startAt: (offset: number) => void;
  readonly onBytes: (count: number) => void;
  readonly finish: (existed: boolean) => void;
}

/** Turns the counts of one blob's transfer into events. */
export function blobProgress(descriptor: Descriptor<string>, sink: BlobSink = () => undefined): BlobProgress {
  let current = 0;
  const tell = (): void => {
    sink({ descriptor, current, done: false, existed: false });
  };
  return {
    startAt(offset) {
      current = offset;
      tell();
    },
    onBytes(count) {
      current += count;
      tell();
    },
    finish(existed) {
      sink({ descriptor, current: descriptor.size, done: true, existed });
    },
  };
}
