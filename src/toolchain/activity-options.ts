import type { ProgressSink } from '../builder/progress.js';

export interface ActivityOptions {
  readonly progress?: ProgressSink | undefined;
  readonly signal?: AbortSignal | undefined;
}
