import type { ProgressSink } from '../builder/progress.js';

/** Tells what everything waits for: prune and a repair have the store for themselves. */
export function waitingForStore(progress: ProgressSink): () => void {
  return () => {
    progress({ type: 'notice', message: 'waiting for another process that cleans up the store' });
  };
}
