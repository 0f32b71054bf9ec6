import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';

export type Outcome =
  | { readonly kind: 'done'; readonly result?: BuildResult | undefined }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Shows what happens, on standard error. */
export interface ProgressRenderer {
  readonly sink: ProgressSink;
  /** Ends the show. Nothing is written by this renderer after it has resolved. */
  finish(outcome: Outcome): Promise<void>;
  /** Leaves the terminal to somebody else until the end. Absent: it never keeps it. */
  readonly stepAside?: () => void;
  /** Whether `finish` tells of the error itself, so that nobody else should. */
  readonly reportsErrors: boolean;
}

/** What renderers need of the terminal; `write` neither waits nor throws. */
export interface RendererOptions {
  readonly write: (text: string) => void;
  readonly color: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
