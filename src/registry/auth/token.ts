import type { HttpRequest, HttpResponse } from '../http/http-message.js';
import { readStart } from '../http/http-message.js';
import { Readable } from 'node:stream';
import { RegistryFailure, printable } from '../registry-failure.js';
import { basicAuthorization, type Credential } from './credentials.js';

/** Whom to ask for tokens (distribution "token" authentication): what a `Bearer` challenge says. */
export interface TokenService {
  readonly realm: URL;
  readonly service: string | undefined;
}

export interface TokenRequest {
  readonly service: TokenService;
  /** `repository:<name>:<actions>` each. */
  readonly scopes: readonly string[];
  readonly credential: Credential | null;
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

export interface Token {
  readonly value: string;
  readonly lifetimeMs: number;
}

type Send = (request: HttpRequest) => Promise<HttpResponse>;

const CLIENT_ID = 'tsbuild';
const ANSWER_LIMIT = 1024 * 1024;
/** Registries that issue shorter ones, or say nothing, mean this (distribution, "Token Authentication Specification"). */
const MIN_LIFETIME_MS = 60_000;
/** What token services without OAuth 2 answer to a POST: GCR, old distributions, Artifactory and Azure, in this order. */
const NO_OAUTH: readonly number[] = [404, 405, 401, 400];

/** @throws `RegistryFailure` */
export async function fetchToken(request: TokenRequest, send: Send): Promise<Token> {
  if (request.credential?.kind === 'refresh-token') {
    const response = await send(refreshRequest(request, request.credential.token));
    if (!NO_OAUTH.includes(response.status)) return await tokenIn(request, response);
    response.discard();
  }
  return await tokenIn(request, await send(plainRequest(request)));
}

function plainRequest({ service, scopes, credential, insecure, signal }: TokenRequest): HttpRequest {
  const url = new URL(service.realm);
  if (service.service !== undefined) url.searchParams.set('service', service.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  url.searchParams.set('client_id', CLIENT_ID);
  if (credential?.kind === 'password') url.searchParams.set('account', credential.username);
  const authorization = credential === null ? undefined : credentialAuthorization(credential);
  return { method: 'GET', url, insecure, signal, headers: authorization === undefined ? {} : { authorization } };
}

function credentialAuthorization(credential: Credential): string {
  return credential.kind === 'password'
    ? basicAuthorization(credential.username, credential.password)
    : basicAuthorization('', credential.token);
}

function refreshRequest({ service, scopes, insecure, signal }: TokenRequest, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    scope: scopes.join(' '),
    refresh_token: refreshToken,
  });
  if (service.service !== undefined) form.set('service', service.service);
  const bytes = Buffer.from(form.toString());
  return {
    method: 'POST',
    url: service.realm,
    insecure,
    signal,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: { length: bytes.length, open: () => Promise.resolve(Readable.from([bytes])) },
  };
}

async function tokenIn({ service, credential }: TokenRequest, response: HttpResponse): Promise<Token> {
  const body = await readStart(response, ANSWER_LIMIT);
  if (response.status !== 200) throw refusal(service.realm, { status: response.status, known: credential !== null });
  const answer = parseAnswer(body);
  const value = [answer['token'], answer['access_token']].find((token) => typeof token === 'string' && token !== '');
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryFailure('response', `the token service ${service.realm.host} answered without a token`);
  }
  const seconds = answer['expires_in'];
  const lifetimeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : MIN_LIFETIME_MS;
  return { value, lifetimeMs: Math.max(lifetimeMs, MIN_LIFETIME_MS) };
}

function parseAnswer(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    if (typeof answer === 'object' && answer !== null) return { ...answer };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return {};
}

/** Wrong credentials keep one also from what is for everybody. */
const REFUSED_HINT =
  'The credentials that are kept for this registry are wrong or have expired: "tsbuild login" replaces them; "tsbuild logout" forgets them, which is enough for images that everybody may pull.';
const STRANGER_HINT =
  'Log in with "tsbuild login" and the name of the registry; what "docker login" and "podman login" keep is read as well.';

function refusal(realm: URL, { status, known }: { readonly status: number; readonly known: boolean }): RegistryFailure {
  const denied = status === 400 || status === 401 || status === 403 || status === 404;
  const whose = known ? 'to the credentials' : 'to a request without credentials';
  return new RegistryFailure(
    denied ? 'denied' : 'response',
    `the token service ${printable(realm.host)} answered ${status} ${whose}`,
    { hint: denied ? (known ? REFUSED_HINT : STRANGER_HINT) : undefined },
  );
}
