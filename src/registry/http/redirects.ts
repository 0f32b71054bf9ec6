import { RegistryFailure } from '../registry-failure.js';
import { isLocalAddress } from './address.js';
import { drain, header, redactUrl, type HttpRequest, type HttpResponse } from './http-message.js';
import type { Transport } from './transport.js';

const LIMIT = 10;

/**
 * Sends a request and follows where it is sent on. Distribution-spec forbids to take `Authorization` along to another host, and
 * storage services refuse a signed URL that comes with one.
 * @throws `RegistryFailure` for a redirect that must not be followed; what the transport throws
 */
export async function sendFollowing(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  let current = request;
  for (let hop = 0; hop <= LIMIT; hop += 1) {
    const response = await transport.send(current);
    const location = header(response, 'location');
    if (location === undefined || !isRedirect(response.status, request.method)) return response;
    await drain(response);
    current = redirected(current, location);
  }
  throw refused(request.url, `it was redirected more than ${LIMIT} times`);
}

/** 303 and the habit of turning a PUT into a GET on 301 and 302 would lose a body: such answers are for the caller. */
function isRedirect(status: number, method: HttpRequest['method']): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === 'GET' || method === 'HEAD');
}

function redirected(request: HttpRequest, location: string): HttpRequest {
  if (!URL.canParse(location, request.url.href))
    throw refused(request.url, 'it was redirected to something that is no URL');
  const url = new URL(location, request.url);
  checkTarget(request.url, url);
  if (url.origin === request.url.origin) return { ...request, url };
  const { headers } = request;
  return { ...request, url, headers: Object.fromEntries(Object.entries(headers).filter(isForAnyHost)) };
}

/** Neither `Authorization` nor what a configuration file adds for one host, which may be a key as well. */
const FOR_ANY_HOST: ReadonlySet<string> = new Set(['accept', 'range', 'if-range', 'content-type', 'content-range']);

function isForAnyHost([name]: readonly [string, string]): boolean {
  return FOR_ANY_HOST.has(name);
}

function checkTarget(from: URL, to: URL): void {
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refused(from, `it was redirected to ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw refused(from, `it was redirected to ${redactUrl(to)}, which is not encrypted`);
  }
  // A registry out there has no business with the machines in here (server-side request forgery).
  if (isLocalAddress(to.hostname) && !isLocalAddress(from.hostname)) {
    throw refused(from, `it was redirected to ${redactUrl(to)}, an address of the local network`);
  }
}

function refused(url: URL, state: string): RegistryFailure {
  return new RegistryFailure('response', `${redactUrl(url)} cannot be followed: ${state}`, {
    hint: 'The registry, or something between here and it, is misconfigured; tell who runs it.',
    details: { url: redactUrl(url) },
  });
}
