import type { Endpoint } from '../endpoint.js';
import { header, type ConnectionError, type HttpResponse } from '../http/http-message.js';
import { readAnywhere } from './read-anywhere.js';
import { failureOfConnection, registryError } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';
import type { TsbuildError } from '../../support/errors.js';

export interface RepositoryRead {
  readonly what: string;
  readonly method: 'GET' | 'HEAD';
  /** Below `/v2/<repository>/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly endpoints: readonly Endpoint[];
  readonly accept: (status: number) => boolean;
  readonly signal: AbortSignal | undefined;
}

/** Mirrors are tried less hard: there is still the registry itself. */
const MIRROR_ATTEMPTS = 2;

/** @throws what `readAnywhere` throws */
export async function readRepository(context: RegistryContext, request: RepositoryRead): Promise<HttpResponse> {
  const { what, method, path, headers, endpoints, accept, signal } = request;
  return await readAnywhere({
    what,
    endpoints,
    accept,
    health: context.health,
    ask: async (endpoint) =>
      await context.requester.send(endpoint, {
        method,
        path: `/v2/${endpoint.repository}/${path}`,
        scopes: [`repository:${endpoint.repository}:pull`],
        headers,
        attempts: endpoint.kind === 'mirror' ? MIRROR_ATTEMPTS : undefined,
        signal,
      }),
  });
}

export function isOk(status: number): boolean {
  return status === 200;
}

export function mediaTypeIn(response: HttpResponse): string | undefined {
  return header(response, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
}

/** The error of a body that broke off too often. */
export function brokenOff(
  { what, endpoints }: Pick<RepositoryRead, 'what' | 'endpoints'>,
  url: URL,
  { error, attempts }: { readonly error: ConnectionError; readonly attempts: number },
): TsbuildError {
  const failure = failureOfConnection(url, error, attempts);
  return registryError(
    what,
    endpoints.slice(-1).map((endpoint) => ({ endpoint, failure })),
  );
}
