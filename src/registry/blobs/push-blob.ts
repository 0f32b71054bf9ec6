import type { BlobSource, PushOutcome, TransferOptions } from '../../oci/image-transfer.js';
import { retry, type Attempt } from '../../support/retry.js';
import type { Endpoint } from '../endpoint.js';
import { drain } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';
import { CHUNK, uploadInChunks, uploadWhole } from './upload-body.js';
import { askProgress, cancelUpload, pushScope, startUpload, type UploadSession } from './upload-session.js';

export interface BlobPush {
  readonly blob: BlobSource;
  readonly options: TransferOptions;
}

/** @throws `RegistryFailure`; `ABORTED`; what opening or reading the blob throws */
export async function pushBlob(context: RegistryContext, endpoint: Endpoint, push: BlobPush): Promise<PushOutcome> {
  if (await exists(context, endpoint, push)) return 'exists';
  const upload = new BlobUpload(context, endpoint, push);
  try {
    return await retry(context.policy, async (number) => upload.attempt(number), push.options.signal);
  } catch (error) {
    await upload.cancel();
    throw error;
  }
}

/** distribution-spec, "Checking if content exists in the registry". */
async function exists(context: RegistryContext, endpoint: Endpoint, { blob, options }: BlobPush): Promise<boolean> {
  const response = await context.requester.send(endpoint, {
    method: 'HEAD',
    path: `/v2/${endpoint.repository}/blobs/${blob.descriptor.digest}`,
    scopes: [pushScope(endpoint)],
    signal: options.signal,
  });
  if (response.status === 401 || response.status === 403) throw await failureOfResponse(endpoint, response);
  await drain(response);
  return response.status === 200;
}

/** What registries answer that take no chunks, or none of this size. */
const CHUNKS_REFUSED: readonly number[] = [400, 404, 405, 413, 415, 416, 501];
/** A session that was forgotten (404) or got out of step (400, 416) is worth one other; content that is refused again is wrong. */
const SESSION_LOST: readonly number[] = [400, 404, 416];

/**
 * One blob on its way: first whole, in one request, as every registry takes it. When that breaks off, or is too much for something
 * in between (413), in chunks: then a failure costs a chunk. When chunks are refused, whole again.
 */
class BlobUpload {
  readonly #context: RegistryContext;
  readonly #endpoint: Endpoint;
  readonly #push: BlobPush;
  readonly #onStart: (offset: number) => (count: number) => void;
  #session: UploadSession | undefined;
  #way: 'whole' | 'chunks' = 'whole';
  #chunksRefused = false;

  constructor(context: RegistryContext, endpoint: Endpoint, push: BlobPush) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#push = push;
    this.#onStart = onlyNew(push.options.onBytes);
  }

  async attempt(number: number): Promise<Attempt<PushOutcome>> {
    const { blob, options } = this.#push;
    const { signal } = options;
    try {
      const session = this.#session ?? (await startUpload(this.#context, this.#endpoint, { blob, signal }));
      if (session === 'mounted') return { outcome: 'done', result: 'mounted' };
      this.#session = session;
      const send = this.#way === 'whole' ? uploadWhole : uploadInChunks;
      await send(this.#context, this.#endpoint, { blob, session, onStart: this.#onStart, signal });
      this.#session = undefined;
      return { outcome: 'done', result: 'uploaded' };
    } catch (error) {
      if (!(error instanceof RegistryFailure) || !(await this.#prepareNext(error, number))) throw error;
      return { outcome: 'failed', error, waitMs: error.waitMs };
    }
  }

  /** Never fails: it is called because something else did. */
  async cancel(): Promise<void> {
    if (this.#session !== undefined) await cancelUpload(this.#context, this.#endpoint, this.#session);
  }

  /** @returns whether there is another way, or another try in this one */
  async #prepareNext(error: RegistryFailure, number: number): Promise<boolean> {
    if ((error.waitMs ?? 0) > this.#context.maxRetryAfterMs) return false;
    const status = Number(error.details['status']);
    if (this.#way === 'chunks') return this.#afterChunks(error, status);
    if (this.#canChunk() && (error.transient || status === 413)) {
      await this.#turnToChunks();
      return true;
    }
    const again = error.transient || (number === 1 && SESSION_LOST.includes(status));
    if (again) this.#session = undefined;
    return again;
  }

  #afterChunks(error: RegistryFailure, status: number): boolean {
    this.#session = undefined;
    if (!CHUNKS_REFUSED.includes(status)) return error.transient;
    this.#chunksRefused = true;
    this.#way = 'whole';
    return true;
  }

  #canChunk(): boolean {
    return this.#push.blob.descriptor.size > CHUNK && !this.#chunksRefused && this.#session !== undefined;
  }

  /** A registry may have kept what came before the break. */
  async #turnToChunks(): Promise<void> {
    this.#way = 'chunks';
    if (this.#session === undefined) return;
    const { signal } = this.#push.options;
    this.#session = await askProgress(this.#context, this.#endpoint, { session: this.#session, signal });
  }
}

/** Counts what is sent for the first time: bytes that a retry sends again have moved already. */
function onlyNew(onBytes: ((count: number) => void) | undefined): (offset: number) => (count: number) => void {
  let furthest = 0;
  return (offset) => {
    let sent = offset;
    return (count) => {
      sent += count;
      if (sent <= furthest) return;
      onBytes?.(sent - furthest);
      furthest = sent;
    };
  };
}
