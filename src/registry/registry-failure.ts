import { TsbuildError, type ErrorCode } from '../support/errors.js';
import type { Endpoint } from './endpoint.js';
import { ConnectionError, header, readStart, redactUrl, type HttpResponse } from './http/http-message.js';
import { retryAfterMs } from './http/retry-after.js';

/** Bytes of an answer that is an error: more than any registry has to say. */
const ERROR_BODY_LIMIT = 64 * 1024;

type FailureKind = 'missing' | 'denied' | 'unreachable' | 'response';

const CODES: Readonly<Record<FailureKind, ErrorCode>> = {
  missing: 'IMAGE_NOT_FOUND',
  denied: 'REGISTRY_UNAUTHORIZED',
  unreachable: 'REGISTRY_UNREACHABLE',
  response: 'REGISTRY_RESPONSE',
};

interface FailureOptions {
  /** Whether the same may succeed later. */
  readonly transient?: boolean;
  /** What the registry calls it: `MANIFEST_UNKNOWN` and its like (distribution-spec, "Error Codes"). */
  readonly registryCodes?: readonly string[];
  readonly hint?: string | undefined;
  /** Milliseconds that the registry asks to be left alone. */
  readonly waitMs?: number | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: unknown;
}

/**
 * Why one registry did not do what was asked, as the state of a sentence whose beginning only the caller knows. Inside this
 * folder only: `registryError` makes of it what users see.
 */
export class RegistryFailure extends Error {
  override readonly name: string = 'RegistryFailure';
  readonly kind: FailureKind;
  readonly transient: boolean;
  readonly registryCodes: readonly string[];
  readonly hint: string | undefined;
  readonly waitMs: number | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(kind: FailureKind, state: string, options: FailureOptions = {}) {
    super(state, { cause: options.cause });
    this.kind = kind;
    this.transient = options.transient ?? false;
    this.registryCodes = options.registryCodes ?? [];
    this.hint = options.hint;
    this.waitMs = options.waitMs;
    this.details = options.details ?? {};
  }
}

export interface EndpointFailure {
  readonly endpoint: Endpoint;
  readonly failure: RegistryFailure;
}

/**
 * @param what `fetch manifest "sha256:…"`: a verb and its object
 * @param failures in the order in which the registries were asked; the last decides what kind of error it is
 */
export function registryError(what: string, failures: readonly EndpointFailure[]): TsbuildError {
  const last = failures.at(-1)?.failure ?? new RegistryFailure('response', 'there is no registry to ask');
  const states = failures.map(({ endpoint, failure }) =>
    endpoint.kind === 'mirror' ? `the mirror ${endpoint.registry}: ${failure.message}` : failure.message,
  );
  return new TsbuildError(CODES[last.kind], `cannot ${what}: ${states.join('; ')}`, {
    hint: last.hint,
    cause: last,
    details: { ...last.details, asked: failures.map(({ endpoint }) => endpoint.host).join(' ') },
  });
}

/** What an answer with an error status means. Consumes its body. */
export async function failureOfResponse(endpoint: Endpoint, response: HttpResponse): Promise<RegistryFailure> {
  const { status, url } = response;
  const { said, codes } = describeBody(await errorBody(response));
  const state = `${endpoint.registry} answered ${status}${said === '' ? '' : ` (${said})`}`;
  return new RegistryFailure(kindOf(status), state, {
    transient: isRetriedStatus(status),
    registryCodes: codes,
    hint: hintFor(endpoint, response),
    waitMs: retryAfterMs(header(response, 'retry-after'), Date.now()),
    details: { url: redactUrl(url), status },
  });
}

function kindOf(status: number): FailureKind {
  if (status === 401 || status === 403) return 'denied';
  return status === 404 ? 'missing' : 'response';
}

const RETRIED: ReadonlySet<number> = new Set([408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Statuses that speak of the moment, not of the request. */
export function isRetriedStatus(status: number): boolean {
  return RETRIED.has(status);
}

/** An explanation that breaks off is no reason to lose the status. */
async function errorBody(response: HttpResponse): Promise<Buffer> {
  try {
    return await readStart(response, ERROR_BODY_LIMIT);
  } catch (error) {
    if (error instanceof ConnectionError) return Buffer.alloc(0);
    throw error;
  }
}

export function failureOfConnection(url: URL, error: ConnectionError, attempts: number): RegistryFailure {
  const tried = attempts === 1 ? '' : ` (${attempts} attempts)`;
  return new RegistryFailure('unreachable', `cannot reach ${redactUrl(url)}: ${error.message}${tried}`, {
    cause: error,
    transient: error.transient,
    hint: connectionHint(error.message),
    details: { url: redactUrl(url), attempts, reason: error.message },
  });
}

function hintFor({ registry }: Endpoint, { status, url }: HttpResponse): string | undefined {
  switch (status) {
    // Registries do not tell strangers what exists.
    case 401:
    case 403:
      return `Check that the repository exists, and log in with "tsbuild login ${registry}"; what "docker login" and "podman login" keep is read as well.`;
    case 404:
      return missingHint(url);
    case 413:
      return 'Something between here and the registry limits the size of uploads: ask who runs it to raise it.';
    case 429:
      return 'The registry limits how often it is asked: wait, or log in to be allowed more.';
    default:
      return status >= 500 ? 'The registry, or something in front of it, is in trouble: try again later.' : undefined;
  }
}

function missingHint({ pathname }: URL): string {
  if (pathname.includes('/blobs/uploads/'))
    return 'Some registries want a repository to be created before it is pushed to.';
  return pathname.includes('/blobs/')
    ? 'The registry lacks a part of the image: it has to be pushed again.'
    : 'Check the name and the tag of the image.';
}

function connectionHint(reason: string): string {
  if (reason.includes('speak TLS')) {
    return 'If the registry speaks plain HTTP, add it to insecure-registries in daemon.json, or set insecure = true for it in registries.conf.';
  }
  if (reason.includes('client certificate')) {
    return 'Put it, as client.cert with client.key beside it, into the folder of the registry (its host[:port]) in ~/.config/containers/certs.d, /etc/containers/certs.d or /etc/docker/certs.d.';
  }
  if (reason.includes('certificate')) {
    return "Add its authority to the system's certificates, or name a file with it in SSL_CERT_FILE.";
  }
  return 'Check the name of the registry, the network, and the proxy in HTTPS_PROXY and NO_PROXY.';
}

/** distribution-spec, "Error Codes": `{"errors":[{"code","message"}]}`. Anything else is somebody between here and the registry. */
function describeBody(body: Buffer): { readonly said: string; readonly codes: readonly string[] } {
  const text = body.toString('utf8').trim();
  const errors = errorsIn(text);
  if (errors.length > 0) {
    const said = errors.map(({ code, message }) => [code, message].filter((part) => part !== '').join(': '));
    return { said: printable(said.join('; ')), codes: errors.map(({ code }) => code) };
  }
  return { said: text.startsWith('<') ? 'with an HTML page, which no registry sends' : printable(text), codes: [] };
}

function errorsIn(text: string): readonly { readonly code: string; readonly message: string }[] {
  try {
    const document: unknown = JSON.parse(text);
    const errors: unknown = memberOf(document, 'errors');
    if (!Array.isArray(errors)) return [];
    return errors.map((error: unknown) => ({ code: textIn(error, 'code'), message: textIn(error, 'message') }));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function textIn(value: unknown, name: string): string {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : '';
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** What a registry says reaches terminals: no control characters, and not too much of it. */
export function printable(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}
