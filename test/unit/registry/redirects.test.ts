import { expect, test } from 'vitest';
import type { HttpRequest, HttpResponse } from '../../../src/registry/http/http-message.js';
import { redactUrl } from '../../../src/registry/http/http-message.js';
import { sendFollowing } from '../../../src/registry/http/redirects.js';
import type { Transport } from '../../../src/registry/http/transport.js';

/** Answers by URL: a location to go to, or 200. */
function transport(locations: Readonly<Record<string, string>>): Transport & { readonly sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  return {
    sent,
    send(request): Promise<HttpResponse> {
      sent.push(request);
      const location = locations[request.url.href];
      const headers = location === undefined ? {} : { location };
      const body = (async function* () {})();
      return Promise.resolve({
        status: location === undefined ? 200 : 307,
        headers,
        url: request.url,
        body,
        discard: () => undefined,
      });
    },
    close: () => undefined,
  };
}

test.each<[string, string, string, RegExp | undefined]>([
  ['from TLS to plain', 'https://a.example/', 'http://a.example/', /not encrypted/],
  ['from outside to loopback', 'https://a.example/', 'https://127.0.0.1/', /local network/],
  ['from outside to localhost', 'https://a.example/', 'https://localhost/', /local network/],
  ['from outside to a private address', 'https://a.example/', 'https://10.0.0.1/', /local network/],
  ['from outside to the metadata of a cloud', 'https://a.example/', 'https://169.254.169.254/', /local network/],
  ['from outside to a private IPv6 address', 'https://a.example/', 'https://[fd00::1]/', /local network/],
  [
    'from outside to loopback as IPv6 writes IPv4',
    'https://a.example/',
    'https://[::ffff:127.0.0.1]/',
    /local network/,
  ],
  ['from outside to loopback in disguise', 'https://a.example/', 'https://0x7f.1/', /local network/],
  ['within the local network', 'https://10.0.0.1/', 'https://10.0.0.2/', undefined],
  ['to another host', 'https://a.example/', 'https://b.example/', undefined],
])('a redirect %s is judged', async (_what, from, to, refusal) => {
  const sending = sendFollowing(transport({ [from]: to }), { method: 'GET', url: new URL(from), headers: {} });
  if (refusal === undefined) expect((await sending).url.href).toBe(to);
  else await expect(sending).rejects.toThrow(refusal);
});

test('another port is another origin', async () => {
  const fake = transport({ 'https://a.example/': 'https://a.example:8443/' });
  await sendFollowing(fake, {
    method: 'GET',
    url: new URL('https://a.example/'),
    headers: { authorization: 'x', accept: 'y' },
  });
  expect(fake.sent.map(({ headers }) => headers)).toEqual([{ authorization: 'x', accept: 'y' }, { accept: 'y' }]);
});

test('URLs are shown without user, password and the values of their query', () => {
  expect(redactUrl(new URL('https://me:pw@a.example/x?sig=s&ns=n&sig=t#f'))).toBe('https://a.example/x?sig=…&ns=…');
});
