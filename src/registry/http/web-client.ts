import { TsbuildError } from '../../support/errors.js';
import { sleep, type RetryPolicy } from '../../support/retry.js';
import { printable, RegistryFailure } from '../registry-failure.js';
import type { CertificateSources } from './certificate-authorities.js';
import { ConnectionError, redactUrl, type HttpResponse } from './http-message.js';
import type { ProxySettings } from './http-proxy.js';
import { sendRetrying } from './retrying.js';
import { createTransport, DEFAULT_TIMEOUTS, type HttpTimeouts } from './transport.js';

export interface WebClientOptions {
  readonly proxies: ProxySettings;
  readonly certificates: CertificateSources;
  readonly userAgent: string;
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  readonly retries?: Partial<RetryPolicy> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
}

export interface WebRequest {
  /** May hold user and password, which go to its own host only. */
  readonly url: URL;
  /** Lowercase names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Fetches files that are no registry's: the same proxies, certificates, redirects and attempts. */
export interface WebClient {
  /** Any answer, whatever its status; its body must be consumed or discarded. @throws `SOURCE_UNAVAILABLE`, `ABORTED` */
  get(request: WebRequest): Promise<HttpResponse>;
  close(): void;
}

const RETRIES: RetryPolicy = { attempts: 4, baseMs: 500, capMs: 10_000, random: Math.random, sleep };
const MAX_RETRY_AFTER_MS = 60_000;

/** No connection is made before something is asked for. */
export function createWebClient(options: WebClientOptions): WebClient {
  const { proxies, certificates, userAgent, now, onWarning } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const transport = createTransport({ proxies, certificates, userAgent, timeouts });
  const retrying = {
    policy: { ...RETRIES, ...options.retries },
    maxRetryAfterMs: MAX_RETRY_AFTER_MS,
    now,
    onWait: onWarning,
  };
  return {
    async get({ url, headers = {}, signal }) {
      const request = {
        method: 'GET',
        url: withoutUser(url),
        headers: { ...headers, ...authorization(url) },
        signal,
      } as const;
      try {
        return await sendRetrying(transport, request, retrying);
      } catch (error) {
        throw describedFailure(url, error);
      }
    },
    close() {
      transport.close();
    },
  };
}

/**
 * What went wrong, for the user; anything but a failure of the connection stays as it is.
 * @param state what is told beside the reason
 */
export function describedFailure(url: URL, error: unknown): unknown {
  if (!(error instanceof RegistryFailure) && !(error instanceof ConnectionError)) return error;
  const certificate = error.message.includes('certificate');
  return new TsbuildError('SOURCE_UNAVAILABLE', `cannot fetch "${redactUrl(url)}": ${printable(error.message)}`, {
    hint: certificate
      ? "Add its authority to the system's certificates, or name a file with it in SSL_CERT_FILE."
      : 'Check the address, the network, and the proxy in HTTPS_PROXY and NO_PROXY.',
    cause: error,
  });
}

function withoutUser(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

/** RFC 7617; dropped on the way to another host. */
function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
}
