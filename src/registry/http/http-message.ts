import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface HttpBody {
  readonly length: number;
  /** May be called again: a request that is sent twice needs its body from the start. */
  open(): Promise<Readable>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpBody | undefined;
  /** The certificate of the other side is not checked. */
  readonly insecure?: boolean | undefined;
  readonly onBytesSent?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Must be consumed or destroyed: the connection is busy until then. Fails when nothing comes for too long. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the body up, and the connection with it. */
  discard(): void;
}

/** A request that got no answer, or only part of one. */
export class ConnectionError extends Error {
  override readonly name: string = 'ConnectionError';
  /** Whether the same request may succeed later. */
  readonly transient: boolean;
  /** The connection had been used before, and the other side closed it as the request was on its way. */
  readonly stale: boolean;
  /** The other side speaks TLS, and has refused what it was told in it. */
  readonly speaksTls: boolean;

  constructor(
    reason: string,
    options: {
      readonly transient: boolean;
      readonly stale?: boolean;
      readonly speaksTls?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(reason, { cause: options.cause });
    this.transient = options.transient;
    this.stale = options.stale ?? false;
    this.speaksTls = options.speaksTls ?? false;
  }
}

/** @param state as in `no answer came within 60 s` */
export function timedOut(state: string, ms: number): ConnectionError {
  return new ConnectionError(`${state} within ${ms / 1000} s`, { transient: true });
}

/** As it may be shown: without user, password and the values of the query, which sign requests and carry tokens. */
export function redactUrl(url: URL): string {
  const query = [...new Set(url.searchParams.keys())].map((name) => `${encodeURIComponent(name)}=…`).join('&');
  return `${url.origin}${url.pathname}${query === '' ? '' : `?${query}`}`;
}

/** The first value of a header. */
export function header(response: Pick<HttpResponse, 'headers'>, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A body that is expected to be small, cut off at `limit` bytes. The connection can be used again when all of it came. */
export async function readStart(response: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/** Reads a body of no interest to its end, so that its connection can be used again; a long one is not worth it. */
export async function drain(response: HttpResponse): Promise<void> {
  try {
    await readStart(response, 64 * 1024);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
  }
}
