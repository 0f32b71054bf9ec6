import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { readForeign } from '../../src/registry/blobs/foreign-urls.js';
import type { Endpoint } from '../../src/registry/endpoint.js';
import type { HttpRequest } from '../../src/registry/http/http-message.js';
import type { RegistryContext } from '../../src/registry/registry-context.js';
import { TsbuildError } from '../../src/support/errors.js';

const endpoint: Endpoint = {
  kind: 'origin',
  registry: 'registry.example',
  host: 'registry.example',
  repository: 'app',
  security: 'tls',
};

/** What is asked for when a registry out there lacks a blob whose descriptor has these URLs. */
async function askedFor(urls: readonly string[]): Promise<{ readonly asked: HttpRequest[]; readonly error: unknown }> {
  const asked: HttpRequest[] = [];
  const context = {
    requester: {
      sendAnonymous: (request: HttpRequest) => {
        asked.push(request);
        const body = (async function* () {})();
        return Promise.resolve({ status: 404, headers: {}, url: request.url, body, discard: () => undefined });
      },
    },
  } as unknown as RegistryContext;
  const descriptor = { mediaType: MEDIA_TYPE.ociForeignLayer, digest: digestOf('x'), size: 1, urls };
  const read = { descriptor, endpoints: [endpoint], headers: {}, accept: () => false, signal: undefined };
  const missing = new TsbuildError('IMAGE_NOT_FOUND', 'cannot fetch blob "x": it is not there');
  const error: unknown = await readForeign(context, read, () => Promise.reject(missing)).catch((each: unknown) => each);
  return { asked, error };
}

describe('CVE-2020-15157: the URLs of a manifest get no credentials', () => {
  test('neither the registry’s, nor those in the URL', async () => {
    const { asked } = await askedFor(['https://user:password@elsewhere.example/layer']);
    expect(asked.map(({ url, headers }) => [url.href, headers])).toEqual([['https://elsewhere.example/layer', {}]]);
  });
});

describe('server-side request forgery by the URLs of a manifest', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:2375/containers/json',
    'http://localhost/',
    'http://[::1]/',
    'http://10.0.0.1/',
    'http://0x7f000001/',
    'file:///etc/shadow',
    'unix:/var/run/docker.sock',
    'gopher://x/',
  ])('%s is not asked', async (url) => {
    const { asked, error } = await askedFor([url]);
    expect(asked).toEqual([]);
    expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND', message: expect.stringContaining('it is not there; ') });
  });

  test('nor are more than some of them', async () => {
    const { asked } = await askedFor(Array.from({ length: 100 }, (_, number) => `https://a.example/${number}`));
    expect(asked).toHaveLength(8);
  });
});
