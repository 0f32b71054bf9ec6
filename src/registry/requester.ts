import { isTsbuildError } from '../support/errors.js';
import type { RetryPolicy } from '../support/retry.js';
import { Authorizer, type AuthTarget } from './auth/authorizer.js';
import { parseChallenges, type Challenge } from './auth/challenge.js';
import type { CredentialStore } from './auth/credentials.js';
import type { Endpoint } from './endpoint.js';
import {
  ConnectionError,
  drain,
  header,
  readStart,
  type HttpBody,
  type HttpRequest,
  type HttpResponse,
} from './http/http-message.js';
import { sendRetrying, type RetryingOptions } from './http/retrying.js';
import type { Transport } from './http/transport.js';
import { printable } from './registry-failure.js';

export interface RequesterOptions {
  readonly transport: Transport;
  readonly credentials: CredentialStore;
  readonly policy: RetryPolicy;
  readonly maxRetryAfterMs: number;
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
}

export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  /** Below the registry (`/v2/…`), or where it said to go. */
  readonly path: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody | undefined;
  /** How often it is tried, where that is not the client's habit. */
  readonly attempts?: number | undefined;
  readonly onBytesSent?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of a refusal that are kept for its explanation. */
const ERROR_BODY_LIMIT = 64 * 1024;
/** How long to wait for signs of TLS from a registry that may have none. */
const PROBE_MS = 5_000;

/** Speaks to registries: knows where and how they are reached, and gets itself authorized. */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #authorizer: Authorizer;
  readonly #origins = new Map<string, Promise<URL>>();
  readonly #warned = new Set<string>();

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#authorizer = new Authorizer({
      credentials: options.credentials,
      now: options.now,
      send: async (request) => await sendRetrying(options.transport, request, this.#retrying()),
    });
  }

  /**
   * The registry's answer, whatever its status.
   * @throws `RegistryFailure` when there is none; `ABORTED`; `CONFIG_INVALID`
   */
  async send(endpoint: Endpoint, request: RegistryRequest): Promise<HttpResponse> {
    const origin = await this.origin(endpoint);
    const url = typeof request.path === 'string' ? urlAt(endpoint, origin, request.path) : request.path;
    const insecure = endpoint.security === 'either' || endpoint.security === 'unchecked';
    const { registry, repository } = endpoint;
    const target = { registry, repository, origin, insecure, scopes: request.scopes };
    const own = url.origin === origin.origin ? endpoint.headers : undefined;
    const response = await this.#sendAuthorized(target, url, { ...request, headers: { ...own, ...request.headers } });
    this.#noteWarnings(endpoint, response);
    return response;
  }

  /** A request to somebody who is no registry. @throws `RegistryFailure`; `ABORTED` */
  async sendAnonymous(request: HttpRequest): Promise<HttpResponse> {
    return await sendRetrying(this.#options.transport, request, this.#retrying());
  }

  /** The registry's own URL, found out once where plain HTTP is allowed. */
  async origin(endpoint: Endpoint): Promise<URL> {
    const { host, security } = endpoint;
    if (security !== 'either') return new URL(`${security === 'plain' ? 'http' : 'https'}://${host}`);
    const known = this.#origins.get(host) ?? this.#probe(host);
    this.#origins.set(host, known);
    return await known;
  }

  async #probe(host: string): Promise<URL> {
    const url = new URL(`https://${host}/v2/`);
    const signal = AbortSignal.timeout(PROBE_MS);
    try {
      const response = await this.#options.transport.send({ method: 'GET', url, headers: {}, insecure: true, signal });
      await drain(response);
      return new URL(url.origin);
    } catch (error) {
      if (!(error instanceof ConnectionError) && !isTsbuildError(error, 'ABORTED')) throw error;
      if (error instanceof ConnectionError && error.speaksTls) return new URL(url.origin);
      return new URL(`http://${host}`);
    }
  }

  /** Sends as the registry wanted it last time; what it refuses with a challenge goes again, authorized. */
  async #sendAuthorized(target: AuthTarget, url: URL, request: RegistryRequest): Promise<HttpResponse> {
    // An upload may be told to go elsewhere, where the registry's authorization has no business.
    if (url.origin !== target.origin.origin) return await this.#sendPlain(target, url, request);
    const first = await this.#authorizer.authorization(target, request.signal);
    const response = await this.#sendPlain(target, url, authorized(request, first));
    if (response.status !== 401) return response;
    const refused = await held(response);
    const challenges = await this.#challenges(target, refused);
    if (!this.#authorizer.learn(target, challenges)) return refused;
    if (first !== undefined) this.#authorizer.forget(target);
    return await this.#sendAgain(target, url, { request, refused, first });
  }

  async #sendAgain(
    target: AuthTarget,
    url: URL,
    {
      request,
      refused,
      first,
    }: { readonly request: RegistryRequest; readonly refused: HttpResponse; readonly first: string | undefined },
  ): Promise<HttpResponse> {
    const authorization = await this.#authorizer.authorization(target, request.signal);
    // The same credentials again would only get the user locked out.
    if (authorization === undefined || authorization === first) return refused;
    const response = await this.#sendPlain(target, url, authorized(request, authorization));
    if (response.status !== 401) return response;
    const wider = withScopesOf(target, parseChallenges(header(response, 'www-authenticate') ?? ''));
    if (wider === undefined) return response;
    await drain(response);
    return await this.#sendPlain(
      target,
      url,
      authorized(request, await this.#authorizer.authorization(wider, request.signal)),
    );
  }

  /** Google's registry has answered 401 without saying what it wants; its `/v2/` says it. */
  async #challenges(target: AuthTarget, refused: HttpResponse): Promise<readonly Challenge[]> {
    const challenges = parseChallenges(header(refused, 'www-authenticate') ?? '');
    if (challenges.length > 0) return challenges;
    const ping = await this.#sendPlain(target, new URL('/v2/', target.origin), {
      method: 'GET',
      path: '/v2/',
      scopes: [],
    });
    await drain(ping);
    return parseChallenges(header(ping, 'www-authenticate') ?? '');
  }

  async #sendPlain(target: AuthTarget, url: URL, request: RegistryRequest): Promise<HttpResponse> {
    const { method, headers = {}, body, onBytesSent, signal } = request;
    const message = { method, url, headers, body, onBytesSent, signal, insecure: target.insecure };
    return await sendRetrying(this.#options.transport, message, this.#retrying(request.attempts));
  }

  #retrying(attempts?: number): RetryingOptions {
    const { policy, maxRetryAfterMs, now, onWarning } = this.#options;
    return {
      policy: { ...policy, attempts: Math.min(attempts ?? policy.attempts, policy.attempts) },
      maxRetryAfterMs,
      now,
      onWait: onWarning,
    };
  }

  /** distribution-spec, "Warnings": `299 - "text"`, each told once. */
  #noteWarnings(endpoint: Endpoint, response: HttpResponse): void {
    for (const [, text = ''] of (header(response, 'warning') ?? '').matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
      const warning = `${endpoint.registry}: ${printable(text.replace(/\\(.)/g, '$1'))}`;
      if (this.#warned.has(warning)) continue;
      this.#warned.add(warning);
      this.#options.onWarning(warning);
    }
  }
}

/** A path that begins with `/v2/`, where the endpoint has it. */
function urlAt({ root = '/v2', namespace }: Endpoint, origin: URL, path: string): URL {
  const url = new URL(root + path.slice('/v2'.length), origin);
  if (namespace !== undefined) url.searchParams.set('ns', namespace);
  return url;
}

function authorized(request: RegistryRequest, authorization: string | undefined): RegistryRequest {
  return authorization === undefined ? request : { ...request, headers: { ...request.headers, authorization } };
}

/** A small answer whose body has been read, so that its connection is free, and which can still be read. */
async function held(response: HttpResponse): Promise<HttpResponse> {
  const bytes = await readStart(response, ERROR_BODY_LIMIT);
  return { ...response, body: once(bytes), discard: () => undefined };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}

/** `undefined` when the challenge asks for nothing that was not asked for already. */
function withScopesOf(target: AuthTarget, challenges: readonly Challenge[]): AuthTarget | undefined {
  const asked = challenges
    .flatMap(({ parameters }) => (parameters.get('scope') ?? '').split(' '))
    .filter((scope) => scope !== '');
  const missing = asked.filter((scope) => !target.scopes.includes(scope));
  return missing.length === 0 ? undefined : { ...target, scopes: [...target.scopes, ...missing] };
}
