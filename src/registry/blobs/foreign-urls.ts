import type { Descriptor } from '../../oci/descriptor.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { Endpoint } from '../endpoint.js';
import { isLocalAddress, splitHostPort } from '../http/address.js';
import { redactUrl, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, printable, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

/** URLs of one descriptor that are tried. */
const MAX_URLS = 8;

export interface ForeignRead {
  readonly descriptor: Descriptor<string>;
  readonly endpoints: readonly Endpoint[];
  readonly headers: Readonly<Record<string, string>>;
  readonly accept: (status: number) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * What a registry does not have may be where its descriptor's `urls` say (image-spec descriptor.md; layers that may not be
 * distributed are only there). The registry is asked first; then each URL, never with credentials (CVE-2020-15157), and never one
 * that leads from a registry out there to the machines in here.
 * @throws what `ask` throws, with what the URLs answered
 */
export async function readForeign(
  context: RegistryContext,
  read: ForeignRead,
  ask: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const { urls = [] } = read.descriptor;
  if (urls.length === 0) return await ask();
  try {
    return await ask();
  } catch (error) {
    if (!isTsbuildError(error) || error.code === 'ABORTED') throw error;
    const states: string[] = [];
    for (const url of urls.slice(0, MAX_URLS)) {
      const answer = await askUrl(context, read, url);
      if (typeof answer !== 'string') return answer;
      states.push(answer);
    }
    const { code, message, hint, details } = error;
    throw new TsbuildError(code, [message, ...states].join('; '), { hint, details, cause: error });
  }
}

/** The answer, or why there is none. */
async function askUrl(context: RegistryContext, read: ForeignRead, text: string): Promise<HttpResponse | string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return `"${printable(text)}" is no URL to fetch from`;
  const endpoint = read.endpoints.at(-1);
  if (endpoint === undefined || (isLocalAddress(url.hostname) && !isLocalAddress(splitHostPort(endpoint.host).host))) {
    return `${redactUrl(url)} is an address of the local network, and is not asked`;
  }
  // A password in the URL is the image author's, and nobody else's: it is not sent either.
  url.username = '';
  url.password = '';
  const { headers, signal, accept } = read;
  try {
    const response = await context.requester.sendAnonymous({ method: 'GET', url, headers, signal });
    if (accept(response.status)) return response;
    return (await failureOfResponse({ ...endpoint, registry: url.host }, response)).message;
  } catch (error) {
    if (error instanceof RegistryFailure) return error.message;
    throw error;
  }
}
