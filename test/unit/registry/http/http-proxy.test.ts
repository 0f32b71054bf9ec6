import { expect, test } from 'vitest';
import { proxyAuthorization, proxyFor, proxySettings } from '../../../../src/registry/http/http-proxy.js';

type Environment = Readonly<Record<string, string>>;
const via = (env: Environment, url: string) => proxyFor(proxySettings(env), new URL(url))?.href;

const PROXY = 'http://proxy.example:3128/';

test.each<[Environment, string, string | undefined]>([
  [{}, 'https://a.example/', undefined],
  [{ HTTPS_PROXY: PROXY }, 'https://a.example/', PROXY],
  [{ https_proxy: PROXY }, 'https://a.example/', PROXY],
  [{ HTTPS_PROXY: PROXY }, 'http://a.example/', undefined],
  [{ HTTP_PROXY: PROXY }, 'http://a.example/', PROXY],
  [{ HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }, 'http://a.example/', undefined],
  [{ ALL_PROXY: PROXY }, 'https://a.example/', PROXY],
  [{ HTTPS_PROXY: 'proxy.example:3128' }, 'https://a.example/', PROXY],
  [{ HTTPS_PROXY: PROXY }, 'https://localhost/', undefined],
  [{ HTTPS_PROXY: PROXY }, 'https://127.1.2.3:5000/', undefined],
  [{ HTTPS_PROXY: PROXY }, 'https://[::1]:5000/', undefined],
])('with %j a request to %s goes through %s', (env, url, proxy) => {
  expect(via(env, url)).toBe(proxy);
});

test.each<[string, string, boolean]>([
  ['*', 'https://a.example/', true],
  ['a.example', 'https://a.example/', true],
  ['A.Example', 'https://a.example/', true],
  ['a.example', 'https://b.a.example/', true],
  ['a.example', 'https://ba.example/', false],
  ['.a.example', 'https://b.a.example/', true],
  ['.a.example', 'https://a.example/', false],
  ['*.a.example', 'https://b.a.example/', true],
  ['a.example:8443', 'https://a.example:8443/', true],
  ['a.example:8443', 'https://a.example/', false],
  ['a.example:443', 'https://a.example/', true],
  ['10.0.0.0/8', 'https://10.1.2.3/', true],
  ['10.0.0.0/8', 'https://11.1.2.3/', false],
  ['10.1.2.3', 'https://10.1.2.3:99/', true],
  ['fd00::/8', 'https://[fd00::1]/', true],
  ['x, a.example', 'https://a.example/', true],
  ['', 'https://a.example/', false],
])('NO_PROXY=%s excepts %s: %s', (exceptions, url, excepted) => {
  expect(via({ HTTPS_PROXY: PROXY, NO_PROXY: exceptions }, url) === undefined).toBe(excepted);
});

test('a proxy of another kind is refused, without its password', () => {
  expect(() => proxySettings({ ALL_PROXY: 'socks5://me:hunter2@x' })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: 'cannot use the proxy in ALL_PROXY: it is no http or https URL',
    }),
  );
});

test('user and password of the proxy are sent to it', () => {
  expect(proxyAuthorization(new URL('http://me:a%3Ab@x'))).toBe(`Basic ${Buffer.from('me:a:b').toString('base64')}`);
  expect(proxyAuthorization(new URL(PROXY))).toBeUndefined();
});
