// Each is what some real registry has been seen to do; the test says where.
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import type { Credential } from '../../../src/registry/auth/credentials.js';
import type { RegistryClient } from '../../../src/registry/registry-client.js';
import { errorReply, type Script } from '../../../src/testing/exchange.js';
import { fault, firstOf, tokenService } from '../../../src/testing/faults.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';
import { forPlatform, SampleRepository, type Sent } from './sample-registry.js';

const bytes = Buffer.alloc(6 << 20, 'some content ');
const descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(bytes), size: bytes.length };

interface It extends AsyncDisposable {
  readonly registry: ScriptedRegistry;
  readonly tested: TestClient;
  readonly repository: ReturnType<RegistryClient['repository']>;
  readonly image: Sent;
}

/** A registry with an image `app:1` and the blob. */
async function open(script: Script, credential?: Credential): Promise<It> {
  let current: Script = () => undefined;
  const registry = await startScriptedRegistry((request) => current(request));
  const image = new SampleRepository(registry.content).image('amd64', { tag: '1' });
  registry.content.putBlob('app', bytes);
  const tested = testClient({
    timeouts: { headersMs: 10_000, commitMs: 10_000, inactivityMs: 10_000 },
    credentials: credential === undefined ? {} : { [registry.host]: credential },
  });
  current = script;
  return {
    registry,
    tested,
    image,
    repository: tested.client.repository({ registry: registry.host, repository: 'app' }),
    async [Symbol.asyncDispose]() {
      await tested[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const download = async ({ repository }: It): Promise<boolean> =>
  (await buffer(await repository.openBlob(descriptor))).equals(bytes);
const upload = async ({ tested, registry }: It, mountFrom?: string): Promise<string> => {
  const to = tested.client.repository({ registry: registry.host, repository: 'new' });
  const open = () => Promise.resolve(Readable.from([bytes]));
  const from = mountFrom === undefined ? undefined : { registry: registry.host, repository: mountFrom };
  const outcome = await to.pushBlob({ descriptor, open, mountFrom: from });
  expect(registry.content.blobs.get(`new@${descriptor.digest}`)?.equals(bytes)).toBe(true);
  return outcome;
};
const resolve = async ({ repository }: It): Promise<string> => (await repository.resolve({ tag: '1' })).digest;

describe('authorization', () => {
  test('1: storage behind Azure and S3 refuses requests that bring credentials along', async () => {
    await using storage = await startScriptedRegistry(({ headers }) =>
      headers['authorization'] === undefined ? { status: 200, body: bytes } : { status: 400 },
    );
    const elsewhere = { status: 307, headers: { location: `http://${storage.host}/x?sig=1` } };
    const script = fault({ path: '/blobs/' }, ({ headers }) => (headers['authorization'] ? elsewhere : undefined));
    await using it = await open(firstOf(script, tokenService()));
    expect(await download(it)).toBe(true);
  });

  test('2: where a redirect leads may want to know who asks: nobody does', async () => {
    await using storage = await startScriptedRegistry(({ headers }) =>
      headers['authorization'] === undefined
        ? { status: 401, headers: { 'www-authenticate': `Basic realm="storage"` } }
        : { status: 200, body: bytes },
    );
    const credential: Credential = { kind: 'password', username: 'me', password: 'secret' };
    const away = { status: 307, headers: { location: `http://${storage.host}/x` } };
    await using it = await open(fault({ path: '/blobs/' }, away), credential);
    await expect(download(it)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    expect(storage.seen.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
  });

  test.each([404, 405, 400, 401])(
    '3: a token service without OAuth answers POST with %i (GCR, Artifactory, Azure)',
    async (status) => {
      const credential: Credential = { kind: 'refresh-token', token: 'refresh' };
      const noPost = fault({ method: 'POST', path: '/token' }, { status });
      await using it = await open(firstOf(noPost, tokenService()), credential);
      expect(await resolve(it)).toBe(it.image.digest);
    },
  );

  test('4: a 401 that does not say what it wants, which /v2/ says (gcr.io)', async () => {
    const service = tokenService();
    await using it = await open((request) => {
      const answer = service(request);
      const silent =
        request.path !== '/v2/' && typeof answer === 'object' && 'status' in answer && answer.status === 401;
      return silent ? { status: 401 } : answer;
    });
    expect(await resolve(it)).toBe(it.image.digest);
  });

  test('5: only the first scope is looked at', async () => {
    const inner = tokenService();
    await using it = await open((request) => {
      const first = new URL(request.path, 'http://x').searchParams.get('scope');
      if (request.path.startsWith('/token') && first !== 'repository:new:pull,push') return { status: 403 };
      return inner(request);
    });
    expect(await upload(it, 'app')).toBe('mounted');
  });

  test('6: tokens that expire within a push (GitLab)', async () => {
    await using it = await open(tokenService({ uses: 1 }));
    expect(await upload(it)).toBe('uploaded');
  });

  test.each(['{"access_token":"t"}', '{"token":"t","expires_in":1}', '{"token":"t","expires_in":null}'])(
    '7: a token that comes as %s',
    async (body) => {
      const script: Script = ({ path, headers }) => {
        if (path.startsWith('/token')) return { status: 200, body };
        const challenge = { 'www-authenticate': `Bearer realm="http://${headers['host']}/token"` };
        return headers['authorization'] === 'Bearer t' ? undefined : { status: 401, headers: challenge };
      };
      await using it = await open(script);
      await resolve(it);
      await resolve(it);
      expect(it.registry.lines().filter((line) => line.startsWith('GET /token'))).toHaveLength(1);
    },
  );

  test('22: Negotiate comes before what can be spoken', async () => {
    const credential: Credential = { kind: 'password', username: 'me', password: 'p' };
    const script: Script = ({ headers }) =>
      headers['authorization']?.startsWith('Basic ') === true
        ? undefined
        : { status: 401, headers: { 'www-authenticate': 'Negotiate, Basic realm="x"' } };
    await using it = await open(script, credential);
    expect(await resolve(it)).toBe(it.image.digest);
  });
});

describe('resolving', () => {
  const isHead = { method: 'HEAD', path: '/manifests/' } as const;

  test.each<[string, Script]>([
    ['no digest', fault(isHead, { status: 200, headers: { 'content-type': MEDIA_TYPE.ociManifest } })],
    ['a digest of another kind', fault(isHead, { status: 200, headers: { 'docker-content-digest': 'md5:1' } })],
    ['405', fault(isHead, { status: 405 })],
    ['403, and GET with the reason', fault({ ...isHead, times: 1 }, { status: 403 })],
  ])('8, 9, 16, 27: HEAD gives %s', async (_what, script) => {
    await using it = await open(script);
    expect(await resolve(it)).toBe(it.image.digest);
  });

  test('27: what is behind a 403 is said, where GET says it (Azure)', async () => {
    const script = fault({ path: '/manifests/' }, ({ method }) =>
      method === 'HEAD' ? { status: 403 } : { status: 403, body: '{"errors":[{"code":"DENIED","message":"no IP"}]}' },
    );
    await using it = await open(script);
    await expect(resolve(it)).rejects.toMatchObject({ message: expect.stringContaining('DENIED: no IP') });
  });

  test('10: 404 for what the Accept header does not name (distribution 2.8)', async () => {
    await using it = await open(({ path, headers, method }) =>
      path.includes('/manifests/') && !(headers['accept'] ?? '').includes(MEDIA_TYPE.ociManifest) && method !== 'PUT'
        ? { status: 404 }
        : undefined,
    );
    expect(await resolve(it)).toBe(it.image.digest);
  });

  test('15: Docker Hub answers 429 in HTTP that is none', async () => {
    const raw = 'HTTP/1.1 429 Too Many Requests\nRetry-After: 1\n\n{"message":"slow down"}';
    await using it = await open(fault({ times: 2 }, { raw }));
    expect(await resolve(it)).toBe(it.image.digest);
    expect(it.tested.sleeps).toHaveLength(2);
  });

  test('15: an HTML page instead of an answer', async () => {
    await using it = await open(() => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>Log in',
    }));
    await expect(resolve(it)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('25: a tag that moves between two requests is pulled as it was at first', async () => {
    await using it = await open(() => undefined);
    const found = await it.repository.resolve({ tag: '1' });
    new SampleRepository(it.registry.content).image('arm64', { tag: '1' });
    expect((await it.repository.fetchManifest(found)).descriptor.digest).toBe(it.image.digest);
  });

  test('26: a manifest that does not say what it is (OCI 1.0)', async () => {
    await using it = await open(() => undefined);
    const document = JSON.parse(it.registry.content.manifests.get('app:1')?.bytes.toString() ?? '') as object;
    const bytes = Buffer.from(JSON.stringify({ ...document, mediaType: undefined }));
    it.registry.content.putManifest('app', '1', { mediaType: MEDIA_TYPE.ociManifest, bytes });
    const found = await it.repository.resolve({ tag: '1' });
    expect((await it.repository.fetchManifest(found)).value.mediaType).toBe(MEDIA_TYPE.ociManifest);
  });

  test('8: an index that comes as text/plain without a length (Red Hat)', async () => {
    const sample = (it: It) => new SampleRepository(it.registry.content);
    await using it = await open(({ method, path }) => {
      if (!path.endsWith('/manifests/2')) return undefined;
      if (method === 'HEAD') return { status: 200, headers: { 'content-type': 'text/plain' } };
      const body = it.registry.content.manifests.get('app:2')?.bytes ?? '';
      return { status: 200, headers: { 'content-type': 'text/plain' }, body, closeDelimited: true };
    });
    const index = sample(it).index([forPlatform(it.image, 'amd64')], '2');
    expect((await it.repository.resolve({ tag: '2' })).digest).toBe(index.digest);
  });
});

describe('downloading', () => {
  const path = '/blobs/';

  test('9: the digest of a blob in another algorithm', async () => {
    const headers = { 'docker-content-digest': `sha512:${'0'.repeat(128)}` };
    await using it = await open(fault({ path, method: 'GET' }, { status: 200, headers, body: bytes }));
    expect(await download(it)).toBe(true);
  });

  test.each(['x-gzip', 'gzip'])('19: content that is called encoded, and is the blob (%s)', async (encoding) => {
    const packed = gzipSync('a layer');
    const headers = { 'content-encoding': encoding };
    await using it = await open(fault({ path, method: 'GET' }, { status: 200, headers, body: packed }));
    const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(packed), size: packed.length };
    expect(await buffer(await it.repository.openBlob(layer))).toEqual(packed);
  });

  test.each<[string, Script]>([
    [
      'is cut off without a length',
      fault({ path, times: 1 }, { status: 200, body: bytes, cutAfter: 2 << 20, closeDelimited: true }),
    ],
    ['breaks in its middle', fault({ path, times: 1 }, { status: 200, body: bytes, cutAfter: 3 << 20 })],
    [
      'is shorter than it says',
      fault(
        { path, times: 1 },
        { status: 200, body: bytes, headers: { 'content-length': '9999999' }, cutAfter: 1 << 20 },
      ),
    ],
  ])('23: a body that %s', async (_what, script) => {
    await using it = await open(script);
    expect(await download(it)).toBe(true);
  });

  test.each<[string, Buffer]>([
    ['shorter', bytes.subarray(1)],
    ['longer', Buffer.concat([bytes, bytes])],
    ['others', Buffer.alloc(bytes.length, 'x')],
  ])('bytes that are %s are not taken', async (_what, body) => {
    await using it = await open(fault({ path }, { status: 200, body }));
    await expect(download(it)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('14: a redirect that names no host (Artifact Registry, Nexus)', async () => {
    const relative = { status: 302, headers: { location: `../../other/blobs/${descriptor.digest}` } };
    await using it = await open(fault({ path: '/app/blobs/' }, relative));
    it.registry.content.putBlob('other', bytes);
    expect(await download(it)).toBe(true);
  });
});

describe('pushing', () => {
  test.each([400, 401, 403, 404, 405])('11: a mount that is answered with %i (Quay, Harbor)', async (status) => {
    await using it = await open(fault({ path: 'mount=' }, { status }));
    expect(await upload(it, 'app')).toBe('uploaded');
  });

  const breakOff = (): Script => fault({ method: 'PUT', path: '/uploads/', times: 1 }, 'reset');

  test('12: chunks that are called too large (GitHub)', async () => {
    await using it = await open(firstOf(breakOff(), fault({ method: 'PATCH' }, errorReply(416, 'SIZE_INVALID'))));
    expect(await upload(it)).toBe('uploaded');
  });

  test.each([201, 204])(
    '13: a chunk that is answered with %i, and a range that sticks (Amazon, Pulp)',
    async (status) => {
      const parts: Buffer[] = [];
      const ecr = fault({ method: 'PATCH' }, ({ body }) => {
        parts.push(body);
        return { status, headers: { range: '0-4194303' } };
      });
      const done: Script = ({ method, body }) => (method === 'PUT' && body.length === 0 ? { status: 201 } : undefined);
      await using it = await open(firstOf(breakOff(), ecr, done));
      const to = it.tested.client.repository({ registry: it.registry.host, repository: 'new' });
      expect(await to.pushBlob({ descriptor, open: () => Promise.resolve(Readable.from([bytes])) })).toBe('uploaded');
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    },
  );

  test.each<[string, (host: string) => string]>([
    ['relative', () => '/v2/new/blobs/uploads/1?_state=x'],
    ['absolute', (host) => `http://${host}/v2/new/blobs/uploads/1?_state=x`],
  ])('14: where to upload to is %s', async (_what, location) => {
    await using it = await open((request) => {
      const { method, path, headers } = request;
      if (method !== 'POST' || !path.endsWith('/uploads/')) return undefined;
      const opened = it.registry.content.answer(request);
      return { ...opened, headers: { location: location(headers['host'] ?? '') } };
    });
    expect(await upload(it)).toBe('uploaded');
  });

  test('20: 500 for a chunk out of order, 404 for a session that is over (distribution 2.8)', async () => {
    await using it = await open(
      firstOf(
        breakOff(),
        fault({ method: 'PATCH', times: 1 }, { status: 500 }),
        fault({ method: 'GET', path: '/uploads/', after: 1, times: 1 }, errorReply(404, 'BLOB_UPLOAD_UNKNOWN')),
      ),
    );
    expect(await upload(it)).toBe('uploaded');
  });

  test('21: a repository that has to be made first (Amazon)', async () => {
    await using it = await open(fault({ method: 'POST' }, errorReply(404, 'NAME_UNKNOWN')));
    await expect(upload(it)).rejects.toMatchObject({ hint: expect.stringContaining('to be created') });
  });

  test('24: blobs that the registry needs a moment to know (Azure, Amazon, Quay)', async () => {
    await using it = await open(
      fault({ method: 'PUT', path: '/manifests/', times: 2 }, errorReply(404, 'MANIFEST_BLOB_UNKNOWN')),
    );
    const manifest = it.registry.content.manifests.get('app:1')?.bytes ?? Buffer.alloc(0);
    const to = it.tested.client.repository({ registry: it.registry.host, repository: 'new' });
    await to.pushManifest({ descriptor: it.image, bytes: manifest }, { tag: '1' });
    expect(it.registry.content.manifests.has('new:1')).toBe(true);
  });
});

describe('listing', () => {
  const tags = fault({ path: '/tags/list' }, { status: 200, body: '{"name":"app","tags":["b","c","a"]}' });

  test('17: tags without pages, not sorted (distribution 2.8)', async () => {
    await using it = await open(tags);
    expect(await it.repository.listTags()).toEqual(['a', 'b', 'c']);
  });

  test('17: more than a thousand at once are never asked for (Amazon refuses, Azure cuts off)', async () => {
    await using it = await open(fault({ path: /[?&]n=(?!1000\b)/ }, { status: 400 }));
    expect(await it.repository.listTags()).toEqual(['1']);
  });

  test('18: no referrers API, in plain text (distribution, GitLab)', async () => {
    const none = { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' };
    await using it = await open(fault({ path: '/referrers/' }, none));
    expect(await it.repository.listReferrers(it.image.digest)).toEqual([]);
  });
});
