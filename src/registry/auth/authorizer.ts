import { isLocalAddress } from '../http/address.js';
import { redactUrl, type HttpRequest, type HttpResponse } from '../http/http-message.js';
import { RegistryFailure } from '../registry-failure.js';
import type { Challenge } from './challenge.js';
import { basicAuthorization, type CredentialStore } from './credentials.js';
import { SharedTask } from './shared-task.js';
import { fetchToken, type TokenService } from './token.js';

export interface AuthorizerOptions {
  readonly credentials: CredentialStore;
  /** With redirects and retries, without authorization of its own. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Who asks for what, where. */
export interface AuthTarget {
  /** Under which name credentials are kept. */
  readonly registry: string;
  /** What is read or written there; empty for the registry as a whole. */
  readonly repository: string;
  /** The registry's own URL: `https://registry-1.docker.io`. */
  readonly origin: URL;
  readonly insecure: boolean;
  readonly scopes: readonly string[];
}

type Scheme = { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly service: TokenService };

interface HeldToken {
  readonly value: string;
  readonly expiresAt: number;
}

/** A token that expires on its way is as good as none. */
const EARLY_MS = 10_000;

/** Learns how each registry wants requests to be authorized, and keeps the tokens that it gives out. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #schemes = new Map<string, Scheme>();
  /** One request for a token at a time: whoever wants the same one waits for it. */
  readonly #tokens = new Map<string, SharedTask<HeldToken>>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The `Authorization` for a request, or `undefined` when the registry has not asked for any yet. @throws `RegistryFailure` */
  async authorization(target: AuthTarget, signal: AbortSignal | undefined): Promise<string | undefined> {
    const scheme = this.#schemes.get(target.origin.origin);
    if (scheme === undefined) return undefined;
    return scheme.kind === 'basic' ? await this.#basic(target) : await this.#bearer(target, scheme.service, signal);
  }

  /** Takes up what a registry's 401 asks for. @returns whether there is anything in it to go by @throws `RegistryFailure` */
  learn(target: AuthTarget, challenges: readonly Challenge[]): boolean {
    const scheme = chooseScheme(target, challenges);
    if (scheme !== undefined) this.#schemes.set(target.origin.origin, scheme);
    return scheme !== undefined;
  }

  /** Drops the token for these scopes, whatever its date says: the registry has just refused it. */
  forget(target: AuthTarget): void {
    const scheme = this.#schemes.get(target.origin.origin);
    if (scheme?.kind === 'bearer') this.#tokens.delete(tokenKey(target, scheme.service));
  }

  async #basic({ registry, repository }: AuthTarget): Promise<string | undefined> {
    const credential = await this.#options.credentials.find(registry, repository);
    return credential?.kind === 'password' ? basicAuthorization(credential.username, credential.password) : undefined;
  }

  async #bearer(target: AuthTarget, service: TokenService, signal: AbortSignal | undefined): Promise<string> {
    const key = tokenKey(target, service);
    const known = this.#running(key);
    const held = await known?.wait(signal);
    if (held !== undefined && held.expiresAt > this.#options.now()) return `Bearer ${held.value}`;
    if (known !== undefined && this.#tokens.get(key) === known) this.#tokens.delete(key);
    const task = this.#running(key) ?? new SharedTask(async (stop) => this.#fetch(target, service, stop));
    this.#tokens.set(key, task);
    task.result.catch(() => {
      if (this.#tokens.get(key) === task) this.#tokens.delete(key);
    });
    const { value } = await task.wait(signal);
    return `Bearer ${value}`;
  }

  #running(key: string): SharedTask<HeldToken> | undefined {
    const task = this.#tokens.get(key);
    return task?.isCancelled === true ? undefined : task;
  }

  async #fetch(target: AuthTarget, service: TokenService, signal: AbortSignal): Promise<HeldToken> {
    const { credentials, send, now } = this.#options;
    const credential = await credentials.find(target.registry, target.repository);
    const startedAt = now();
    const { scopes, insecure } = target;
    const { value, lifetimeMs } = await fetchToken({ service, scopes, credential, insecure, signal }, send);
    return { value, expiresAt: startedAt + lifetimeMs - EARLY_MS };
  }
}

function tokenKey({ registry, scopes }: AuthTarget, { realm, service }: TokenService): string {
  return JSON.stringify([realm.href, service, registry, [...scopes].sort()]);
}

/** Bearer before Basic, whatever the order they are offered in; `Negotiate` and others are not spoken here. */
function chooseScheme(target: AuthTarget, challenges: readonly Challenge[]): Scheme | undefined {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
  if (bearer !== undefined) {
    const realm = checkedRealm(target, bearer.parameters.get('realm') ?? '');
    return { kind: 'bearer', service: { realm, service: bearer.parameters.get('service') } };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

/** The registry says where credentials are to be sent: not in the clear, and not to the machines in here on behalf of one out there. */
function checkedRealm({ origin }: AuthTarget, text: string): URL {
  const refused = (state: string): RegistryFailure =>
    new RegistryFailure('response', `${origin.host} sends its visitors to a token service that ${state}`);
  if (!URL.canParse(text)) throw refused('is no URL');
  const realm = new URL(text);
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && origin.protocol === 'http:')) {
    throw refused(`is not encrypted: ${redactUrl(realm)}`);
  }
  if (isLocalAddress(realm.hostname) && !isLocalAddress(origin.hostname)) {
    throw refused(`is an address of the local network: ${redactUrl(realm)}`);
  }
  return realm;
}
