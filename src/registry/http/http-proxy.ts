import { TsbuildError } from '../../support/errors.js';
import { isInRange, isLoopback, splitHostPort } from './address.js';

/** What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, with the meaning that Go's programs (Docker, podman) give them. */
export interface ProxySettings {
  readonly http: URL | undefined;
  readonly https: URL | undefined;
  readonly exceptions: readonly string[];
}

/** @throws `CONFIG_INVALID` naming the variable */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const all = proxyUrl(env, 'ALL_PROXY');
  // A CGI script's HTTP_PROXY comes from a request's "Proxy:" header (CVE-2016-5386, "httpoxy").
  const http = env['REQUEST_METHOD'] === undefined ? proxyUrl(env, 'HTTP_PROXY') : undefined;
  return {
    http: http ?? all,
    https: proxyUrl(env, 'HTTPS_PROXY') ?? all,
    exceptions: (value(env, 'NO_PROXY') ?? '').split(/[\s,]+/).filter((entry) => entry !== ''),
  };
}

/** The proxy that a request goes through, or `undefined` for none. Loopback is never proxied. */
export function proxyFor(settings: ProxySettings, url: URL): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.https : settings.http;
  if (proxy === undefined || isLoopback(url.hostname)) return undefined;
  const port = url.port === '' ? defaultPort(url) : url.port;
  const target = { host: splitHostPort(url.host).host.toLowerCase(), port };
  return settings.exceptions.some((exception) => isException(exception.toLowerCase(), target)) ? undefined : proxy;
}

/** Of a `Proxy-Authorization: Basic` header, when the proxy's URL carries a user. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '') return undefined;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(user).toString('base64')}`;
}

export function defaultPort(url: URL): string {
  return url.protocol === 'https:' ? '443' : '80';
}

function isException(exception: string, target: { readonly host: string; readonly port: string }): boolean {
  if (exception === '*') return true;
  if (isInRange(target.host, exception)) return true;
  const { host, port } = splitHostPort(exception.replace(/^\*/, ''));
  if (port !== undefined && port !== target.port) return false;
  if (host.startsWith('.')) return target.host.endsWith(host);
  return target.host === host || target.host.endsWith(`.${host}`);
}

function proxyUrl(env: Readonly<Record<string, string | undefined>>, name: string): URL | undefined {
  const text = value(env, name);
  if (text === undefined) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new TsbuildError('CONFIG_INVALID', `cannot use the proxy in ${name}: it is no http or https URL`, {
    hint: `Set ${name} to http://host:port, or unset it.`,
  });
}

function value(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const found = env[name] ?? env[name.toLowerCase()];
  return found === undefined || found.trim() === '' ? undefined : found.trim();
}
