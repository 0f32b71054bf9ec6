import { layout } from '../../store/layout.js';
import { ThreadPool } from '../../support/thread-pool.js';
import type { LayerJob, UnpackedLayer } from './layer-job.js';

/** Threads that unpack layers of one store, started when they are first needed. */
export interface LayerThreads extends AsyncDisposable {
  /**
   * Jobs begin in the order of the calls: as a thread may wait for the layers below its own, those have to come first.
   * @throws what `unpackLayerJob` throws; `ABORTED`
   */
  unpack(job: Omit<LayerJob, 'path'>, options: { readonly signal?: AbortSignal | undefined }): Promise<UnpackedLayer>;
}

export function createLayerThreads(options: {
  /** Absolute path of the store. */
  readonly storeRoot: string;
  readonly threads: number;
}): LayerThreads {
  const entry = new URL('./unpack-worker.js', import.meta.url);
  const pool = new ThreadPool<LayerJob, UnpackedLayer>({ entry, threads: options.threads, what: 'unpack a layer' });
  return {
    unpack: async (job, { signal }) => {
      const path = layout.blob(options.storeRoot, job.blob.digest);
      return await pool.ask({ ...job, path }, { transfer: [job.below.port], signal });
    },
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
    },
  };
}
