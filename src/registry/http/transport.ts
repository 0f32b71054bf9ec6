import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { AgentPool } from './agents.js';
import type { CertificateSources } from './certificate-authorities.js';
import { BodyPatience } from './body-patience.js';
import { connectionError } from './connection-reason.js';
import { ConnectionError, timedOut, type HttpRequest, type HttpResponse } from './http-message.js';
import { defaultPort, proxyAuthorization, proxyFor, type ProxySettings } from './http-proxy.js';

/** Milliseconds. */
export interface HttpTimeouts {
  /** From the start of a connection until it is there, TLS included. */
  readonly connectMs: number;
  /** From the end of a request without a body until the answer's headers. */
  readonly headersMs: number;
  /** The same after a body: a registry checks and moves an upload before it answers. */
  readonly commitMs: number;
  /** Of waiting, until the next `leastBytes` of a body have come, or a piece of the request's body has been accepted. */
  readonly inactivityMs: number;
  /** Bytes. A body that is smaller must come in that time as a whole. */
  readonly leastBytes: number;
}

export const DEFAULT_TIMEOUTS: HttpTimeouts = {
  connectMs: 30_000,
  headersMs: 60_000,
  commitMs: 300_000,
  inactivityMs: 60_000,
  // 136 bytes a second: less than any modem ever had, also when it is shared by four transfers.
  leastBytes: 8 * 1024,
};

export interface TransportOptions {
  readonly proxies: ProxySettings;
  readonly certificates: CertificateSources;
  readonly timeouts: HttpTimeouts;
  readonly userAgent: string;
}

/** One request, one answer, over connections that are kept: no redirects, no retries, no credentials. */
export interface Transport {
  /** @throws `ConnectionError`; `ABORTED`; whatever opening or reading the request's body throws */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

export function createTransport(options: TransportOptions): Transport {
  const pool = new AgentPool(options.certificates, options.timeouts.connectMs);
  return {
    async send(request) {
      const proxy = proxyFor(options.proxies, request.url);
      const agent = await pool.agent(request.url, { proxy, insecure: request.insecure ?? false });
      throwIfAborted(request);
      const body = await request.body?.open();
      const head = { ...requestOptions(request, proxy, options.userAgent), agent };
      const outgoing = request.url.protocol === 'https:' ? httpsRequest(head) : httpRequest(head);
      if (body === undefined) outgoing.end();
      return await exchange(outgoing, { request, body, timeouts: options.timeouts });
    },
    close() {
      pool.close();
    },
  };
}

function requestOptions(request: HttpRequest, proxy: URL | undefined, userAgent: string): RequestOptions {
  const { url, method, body } = request;
  const headers: Record<string, string> = {
    'user-agent': userAgent,
    // A proxy or server that compresses would change the bytes that digests are over.
    'accept-encoding': 'identity',
    ...request.headers,
  };
  if (body !== undefined) headers['content-length'] = String(body.length);
  const target = {
    method,
    headers,
    host: bracketless(url.hostname),
    port: url.port === '' ? defaultPort(url) : url.port,
  };
  if (proxy === undefined || url.protocol === 'https:') return { ...target, path: url.pathname + url.search };
  const authorization = proxyAuthorization(proxy);
  headers['host'] = url.host;
  if (authorization !== undefined) headers['proxy-authorization'] = authorization;
  return {
    ...target,
    host: bracketless(proxy.hostname),
    port: proxy.port === '' ? defaultPort(proxy) : proxy.port,
    path: url.href,
  };
}

function bracketless(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

interface Exchange {
  readonly request: HttpRequest;
  readonly body: Readable | undefined;
  readonly timeouts: HttpTimeouts;
}

async function exchange(outgoing: ClientRequest, { request, body, timeouts }: Exchange): Promise<HttpResponse> {
  const watch = new Watch(outgoing);
  let incoming: IncomingMessage | undefined;
  const forgetSignal = onAbort(request, (error) => (incoming ?? outgoing).destroy(error));
  try {
    const answer = answerOf(outgoing);
    const sending = sendBody(outgoing, { request, body, timeouts }, watch);
    sending.catch(() => undefined);
    incoming = await Promise.race([answer, sending.then(() => answer)]);
    return responseOf(request.url, { incoming, outgoing, forgetSignal, timeouts });
  } catch (error) {
    forgetSignal();
    outgoing.destroy();
    throw error;
  } finally {
    watch.end();
    body?.destroy();
  }
}

/** Ends the request when what is waited for does not come in time. */
class Watch {
  readonly #outgoing: ClientRequest;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(outgoing: ClientRequest) {
    this.#outgoing = outgoing;
  }

  expect(state: string, ms: number): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#outgoing.destroy(timedOut(state, ms)), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** For good: a body that is still being sent learns late that its request is over, and must leave no timer behind. */
  end(): void {
    this.#ended = true;
    this.stop();
  }
}

/** Rejects with a `ConnectionError`, or `ABORTED`. */
function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => {
      reject(isTsbuildError(error) ? error : connectionError(error, outgoing.reusedSocket));
    });
    outgoing.once('close', () => {
      reject(new ConnectionError('the connection was closed', { transient: true }));
    });
  });
  answer.catch(() => undefined);
  return answer;
}

/** Rejects only with what reading the body throws; a connection that fails is the answer's to report. */
async function sendBody(outgoing: ClientRequest, { request, body, timeouts }: Exchange, watch: Watch): Promise<void> {
  watch.expect('there was no connection', timeouts.connectMs);
  await connected(outgoing, request.url.protocol === 'https:');
  if (body === undefined) {
    watch.expect('there was no answer', timeouts.headersMs);
    return;
  }
  const early = new AbortController();
  outgoing.once('response', () => {
    early.abort();
  });
  for await (const piece of inPieces(body)) {
    if (early.signal.aborted || outgoing.destroyed) return;
    watch.expect('too little was accepted', timeouts.inactivityMs);
    if (!outgoing.write(piece)) await writable(outgoing);
    watch.stop();
    request.onBytesSent?.(piece.byteLength);
  }
  if (early.signal.aborted || outgoing.destroyed) return;
  watch.expect('there was no answer', timeouts.commitMs);
  outgoing.end();
}

/** Bytes. What is written at once must be accepted at once: larger pieces would take a slow line for a dead one. */
const PIECE_SIZE = 64 * 1024;

async function* inPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; at += PIECE_SIZE) yield chunk.subarray(at, at + PIECE_SIZE);
  }
}

/** Resolves once the connection stands, or the request has failed. */
async function connected(outgoing: ClientRequest, secure: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      resolve();
    };
    outgoing.once('close', done);
    outgoing.once('socket', (socket) => {
      if (outgoing.reusedSocket || (!secure && !socket.connecting)) done();
      else socket.once(secure ? 'secureConnect' : 'connect', done);
    });
  });
}

/** Resolves when more can be written, or nothing more needs to be. */
async function writable(outgoing: ClientRequest): Promise<void> {
  if (outgoing.destroyed) return;
  const events = ['drain', 'close', 'response'];
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of events) outgoing.off(event, done);
      resolve();
    };
    for (const event of events) outgoing.once(event, done);
  });
}

interface Answer {
  readonly incoming: IncomingMessage;
  readonly outgoing: ClientRequest;
  readonly forgetSignal: () => void;
  readonly timeouts: HttpTimeouts;
}

function responseOf(url: URL, answer: Answer): HttpResponse {
  const { incoming, outgoing, forgetSignal } = answer;
  // Until somebody reads the body, its failure is nobody's; reading it reports the failure again.
  incoming.on('error', () => undefined);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    url,
    body: receive(answer),
    discard() {
      forgetSignal();
      incoming.destroy();
      outgoing.destroy();
    },
  };
}

async function* receive({ incoming, outgoing, forgetSignal, timeouts }: Answer): AsyncGenerator<Uint8Array, void> {
  const patience = new BodyPatience(timeouts, (error) => incoming.destroy(error));
  try {
    patience.wait();
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      patience.got(chunk.byteLength);
      yield chunk;
      patience.wait();
    }
  } catch (error) {
    throw isTsbuildError(error) ? error : connectionError(error, false);
  } finally {
    patience.end();
    forgetSignal();
    // An answer that came before the end of the request leaves a connection in the middle of a body.
    if (!outgoing.writableEnded) outgoing.destroy();
  }
}

function onAbort({ signal, url }: HttpRequest, abort: (error: TsbuildError) => void): () => void {
  const listener = (): void => {
    abort(aborted(url, signal));
  };
  if (signal?.aborted === true) listener();
  signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}

function throwIfAborted({ signal, url }: HttpRequest): void {
  if (signal?.aborted === true) throw aborted(url, signal);
}

function aborted(url: URL, signal: AbortSignal | undefined): TsbuildError {
  return new TsbuildError('ABORTED', `cannot finish the request to "${url.host}": it was cancelled`, {
    cause: signal?.reason,
  });
}
