import type { Descriptor } from '../../oci/descriptor.js';
import { backoffMs, type RetryPolicy } from '../../support/retry.js';
import { ConnectionError, drain, header, type HttpResponse } from '../http/http-message.js';

export interface BlobDownload {
  readonly descriptor: Descriptor<string>;
  /** An answer with the bytes from `offset` on (206), with all of them (200), or with 416 where nothing is left. */
  readonly open: (offset: number) => Promise<HttpResponse>;
  /** How often a connection may break without bringing the blob forward. */
  readonly policy: RetryPolicy;
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Where to begin; 0 unless given. */
  readonly offset?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Less than this between two breaks is no progress: at such a pace a large blob would never come. */
const PROGRESS_BYTES = 64 * 1024;

/**
 * A blob's bytes as they come, not checked: they may be too few, too many or others. A connection that breaks is taken up again
 * where it broke (RFC 9110 §14.2), for as long as each brings the blob forward.
 * @throws `ConnectionError` when it does not; what `open` throws
 */
export async function* downloadBlob(download: BlobDownload): AsyncGenerator<Uint8Array, void, undefined> {
  const { descriptor, policy, signal } = download;
  const position = { offset: download.offset ?? 0 };
  for (let failures = 0; ;) {
    const before = position.offset;
    const broken = yield* oneConnection(download, position);
    if (broken === undefined || position.offset >= descriptor.size) return;
    failures = position.offset - before >= PROGRESS_BYTES ? 0 : failures + 1;
    if (failures >= policy.attempts) throw broken;
    if (failures > 0) await policy.sleep(backoffMs(policy, failures), signal);
  }
}

/** What one connection gives. @returns why there may be more, or `undefined` when that was all */
async function* oneConnection(
  { descriptor, open, onBytes }: BlobDownload,
  position: { offset: number },
): AsyncGenerator<Uint8Array, ConnectionError | undefined, undefined> {
  const response = await open(position.offset);
  if (response.status === 416) {
    await drain(response);
    return undefined;
  }
  try {
    for await (const chunk of startingAt(response, position.offset)) {
      position.offset += chunk.byteLength;
      onBytes?.(chunk.byteLength);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ConnectionError) return error;
    throw error;
  }
  // An answer of a stated length is whole when it ends. Without one, a broken connection looks like an end.
  const whole = header(response, 'content-length') !== undefined;
  return whole ? undefined : endedEarly(position.offset, descriptor.size);
}

async function* startingAt(response: HttpResponse, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = offset;
  if (response.status === 206) {
    checkRange(response, offset);
    skip = 0;
  }
  for await (const chunk of response.body) {
    if (skip >= chunk.byteLength) {
      skip -= chunk.byteLength;
      continue;
    }
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

/** RFC 9110 §14.4: a server may answer with another range than the one asked for. */
function checkRange(response: HttpResponse, offset: number): void {
  const range = header(response, 'content-range') ?? '';
  if (new RegExp(`^bytes ${offset}-\\d+/(?:\\d+|\\*)$`).test(range.trim())) return;
  response.discard();
  throw new ConnectionError(`it answered with the range "${range.slice(0, 80)}" to a request from byte ${offset} on`, {
    transient: true,
  });
}

function endedEarly(offset: number, size: number): ConnectionError {
  return new ConnectionError(`the connection ended after ${offset} of ${size} bytes`, { transient: true });
}
