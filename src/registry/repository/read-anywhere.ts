import type { Endpoint } from '../endpoint.js';
import type { HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure, registryError, type EndpointFailure } from '../registry-failure.js';

/** Mirrors that did not answer at all: each costs its time-out only once. */
export class MirrorHealth {
  readonly #silent = new Set<string>();

  isSilent({ kind, host }: Endpoint): boolean {
    return kind === 'mirror' && this.#silent.has(host);
  }

  note({ kind, host }: Endpoint, failure: RegistryFailure): void {
    if (kind === 'mirror' && failure.kind === 'unreachable') this.#silent.add(host);
  }
}

export interface ReadAnywhere {
  /** `fetch manifest "sha256:…"`, for the error. */
  readonly what: string;
  readonly endpoints: readonly Endpoint[];
  readonly health: MirrorHealth;
  readonly ask: (endpoint: Endpoint) => Promise<HttpResponse>;
  /** Statuses that are an answer; any other lets the next endpoint try. */
  readonly accept: (status: number) => boolean;
}

/**
 * The first acceptable answer of the endpoints, in order.
 * @throws a `TsbuildError` with what each of them answered; the last one decides its code
 */
export async function readAnywhere({ what, endpoints, health, ask, accept }: ReadAnywhere): Promise<HttpResponse> {
  const failures: EndpointFailure[] = [];
  for (const endpoint of endpoints) {
    if (health.isSilent(endpoint)) continue;
    try {
      const response = await ask(endpoint);
      if (accept(response.status)) return response;
      failures.push({ endpoint, failure: await failureOfResponse(endpoint, response) });
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      health.note(endpoint, error);
      failures.push({ endpoint, failure: error });
    }
  }
  throw registryError(what, failures);
}
