import { collect } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import type { Endpoint } from '../endpoint.js';
import { header, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

export interface PagedRead {
  /** Below the registry, with its query. */
  readonly path: string;
  readonly accept: string;
  readonly signal: AbortSignal | undefined;
}

export interface Page {
  readonly response: HttpResponse;
  readonly bytes: Buffer;
}

/** Bytes of a page: registries that know no pages send all at once. */
const PAGE_LIMIT = 16 << 20;
const MAX_PAGES = 1000;

/**
 * The pages of a listing, in order: each may name the next (`Link: <url>; rel="next"`, RFC 8288).
 * @throws `RegistryFailure`; `ABORTED`
 */
export async function* readPages(
  context: RegistryContext,
  endpoint: Endpoint,
  { path, accept, signal }: PagedRead,
): AsyncGenerator<Page, void, undefined> {
  const origin = await context.requester.origin(endpoint);
  const seen = new Set<string>();
  for (let next: URL | undefined = new URL(path, origin); next !== undefined;) {
    if (seen.has(next.href) || seen.size >= MAX_PAGES) throw endless(endpoint, next);
    seen.add(next.href);
    const response = await context.requester.send(endpoint, {
      method: 'GET',
      path: next,
      scopes: [`repository:${endpoint.repository}:pull`],
      headers: { accept },
      signal,
    });
    if (response.status !== 200) throw await failureOfResponse(endpoint, response);
    const bytes = await collect(response.body, PAGE_LIMIT, () => tooLong(endpoint));
    yield { response, bytes };
    next = nextPage(endpoint, response, origin);
  }
}

/** A listing leads nowhere but to its registry. */
function nextPage(endpoint: Endpoint, response: HttpResponse, origin: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(header(response, 'link') ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, response.url.href) ? new URL(target, response.url) : undefined;
  // A registry behind a TLS proxy writes http://, because that is what it sees.
  if (url?.hostname === origin.hostname) return new URL(url.pathname + url.search, origin);
  throw new RegistryFailure('response', `${endpoint.registry} names a next page that is not its own`);
}

function endless({ registry }: Endpoint, { pathname }: URL): RegistryFailure {
  return new RegistryFailure('response', `${registry} lists ${pathname} without an end`);
}

function tooLong({ registry }: Endpoint): TsbuildError {
  return new TsbuildError(
    'REGISTRY_RESPONSE',
    `cannot read a listing of "${registry}": a page has more than ${PAGE_LIMIT} bytes`,
    {
      hint: 'The registry is misconfigured, or not one: tell who runs it.',
    },
  );
}
