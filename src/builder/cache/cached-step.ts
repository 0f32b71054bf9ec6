import type { Digest } from '../../oci/digest.js';
import type { Layer } from '../../oci/layer.js';

/** What is remembered of a step, as it travels between machines. */
export interface CachedStep {
  /** Under any of these the step is found; keys are framed and versioned (`operations/key-material.ts`). */
  readonly keys: readonly Digest[];
  readonly layer: Layer;
  /** RFC 3339: the time that the image's history has for it. */
  readonly created: string;
  /** For people to read: `[builder 2/5] RUN make`. */
  readonly label: string;
}
