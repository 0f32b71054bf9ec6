import type { ProgressSink, StepId } from './builder/progress.js';
import { isConfigMediaType } from './oci/decode.js';
import type { Descriptor } from './oci/descriptor.js';

/** What pull and push tell of a blob that moves. `current` counts bytes from 0. */
export interface BlobTransfer {
  readonly descriptor: Descriptor<string>;
  readonly current: number;
  readonly done: boolean;
  /** It was there already: nothing moved. */
  readonly existed: boolean;
}

/** Turns a transfer's calls into progress events of one step. */
export function transferEvents(
  progress: ProgressSink,
  { step, direction }: { readonly step: StepId; readonly direction: 'pull' | 'push' },
): (transfer: BlobTransfer) => void {
  return ({ descriptor, current, done, existed }) => {
    // Docker shows the layers only; the config is a few kilobytes.
    if (isConfigMediaType(descriptor.mediaType)) return;
    const { digest: item, size: total } = descriptor;
    progress({ type: 'transfer', step, item, direction, current, total, done, existed });
  };
}
