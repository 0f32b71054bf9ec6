import { backoffMs, retry, type Attempt, type RetryPolicy } from '../../support/retry.js';
import { isTsbuildError } from '../../support/errors.js';
import { failureOfConnection, isRetriedStatus, RegistryFailure } from '../registry-failure.js';
import { ConnectionError, drain, header, redactUrl, type HttpRequest, type HttpResponse } from './http-message.js';
import { sendFollowing } from './redirects.js';
import { retryAfterMs } from './retry-after.js';
import type { Transport } from './transport.js';

export interface RetryingOptions {
  readonly policy: RetryPolicy;
  /** Milliseconds: a registry that asks to be left alone for longer is not waited for. */
  readonly maxRetryAfterMs: number;
  /** Milliseconds since the epoch, for `Retry-After` with a date. */
  readonly now: () => number;
  readonly onWait: (text: string) => void;
}

/** Shorter waits pass unannounced. */
const NOTICED_MS = 3_000;

/**
 * Sends, follows redirects, and tries again what a later try may mend. The last attempt's answer is returned whatever its status.
 * @throws `RegistryFailure` when there was no answer; `ABORTED`
 */
export async function sendRetrying(
  transport: Transport,
  request: HttpRequest,
  options: RetryingOptions,
): Promise<HttpResponse> {
  return await retry(
    options.policy,
    async (number) => await attempt(transport, request, { ...options, number }),
    request.signal,
  );
}

async function attempt(
  transport: Transport,
  request: HttpRequest,
  options: RetryingOptions & { readonly number: number },
): Promise<Attempt<HttpResponse>> {
  const { number, policy } = options;
  const response = await sendOnce(transport, request);
  if (response instanceof ConnectionError) {
    const error = failureOfConnection(request.url, response, number);
    if (!response.transient) throw error;
    return { outcome: 'failed', error };
  }
  if (!isRetriedStatus(response.status) || number >= policy.attempts) return { outcome: 'done', result: response };
  const waitMs = retryAfterMs(header(response, 'retry-after'), options.now()) ?? backoffMs(policy, number);
  if (waitMs > options.maxRetryAfterMs) return { outcome: 'done', result: response };
  await drain(response);
  if (waitMs >= NOTICED_MS) {
    const why = response.status === 429 ? 'it limits how often it is asked' : `it answered ${response.status}`;
    options.onWait(`waiting ${Math.ceil(waitMs / 1000)} s for ${request.url.host}: ${why}`);
  }
  const error = new RegistryFailure('response', `${redactUrl(request.url)} answered ${response.status}`);
  return { outcome: 'failed', error, waitMs };
}

/**
 * A kept connection that the other side had closed already says nothing about the registry: once more, at once, on another. Not
 * with a body, of which the other side may have taken a part.
 */
async function sendOnce(transport: Transport, request: HttpRequest): Promise<HttpResponse | ConnectionError> {
  const first = await send(transport, request);
  const again = first instanceof ConnectionError && first.stale && request.body === undefined;
  return again ? await send(transport, request) : first;
}

async function send(transport: Transport, request: HttpRequest): Promise<HttpResponse | ConnectionError> {
  try {
    return await sendFollowing(transport, request);
  } catch (error) {
    if (error instanceof ConnectionError && !isTsbuildError(error)) return error;
    throw error;
  }
}
