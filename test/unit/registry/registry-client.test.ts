import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { errorReply } from '../../../src/testing/exchange.js';
import type { Script } from '../../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { emptyConfiguration, testClient, type TestClient } from '../../support/registry/test-client.js';

const bytes = Buffer.from('0123456789'.repeat(50_000));
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };
const BLOB = `GET /v2/app/blobs/${layer.digest}`;
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('{}'), size: 2 },
    layers: [layer],
  }),
);
const descriptor = { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf(manifest), size: manifest.length };

/** The requests that are part of the protocol: not the search for TLS, which a plain server never sees. */
async function withRegistry(script: Script, run: (registry: ScriptedRegistry, tested: TestClient) => Promise<void>) {
  await using registry = await startScriptedRegistry(script);
  registry.content.putBlob('app', bytes);
  registry.content.putManifest('app', '1', { mediaType: MEDIA_TYPE.ociManifest, bytes: manifest });
  await using tested = testClient();
  await run(registry, tested);
}

const appOf = ({ host }: ScriptedRegistry, { client }: TestClient) =>
  client.repository({ registry: host, repository: 'app' });

describe('resolving a tag', () => {
  test('takes one HEAD', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        expect(await appOf(registry, tested).resolve({ tag: '1' })).toEqual(descriptor);
        expect(registry.lines()).toEqual(['HEAD /v2/app/manifests/1']);
        expect(registry.seen[0]?.headers['user-agent']).toBe('tsbuild/test');
        expect(registry.seen[0]?.headers['accept']).toContain(MEDIA_TYPE.ociIndex);
      },
    );
  });

  test.each<[string, Script]>([
    ['HEAD is not allowed', ({ method }) => (method === 'HEAD' ? { status: 405 } : undefined)],
    [
      'HEAD says no digest',
      ({ method }) =>
        method === 'HEAD'
          ? { status: 200, body: manifest, headers: { 'content-type': MEDIA_TYPE.ociManifest } }
          : undefined,
    ],
    [
      'HEAD says no length',
      ({ method }) =>
        method === 'HEAD'
          ? {
              status: 200,
              closeDelimited: true,
              headers: { 'content-type': MEDIA_TYPE.ociManifest, 'docker-content-digest': descriptor.digest },
            }
          : undefined,
    ],
    [
      'the media type is text',
      () => ({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: manifest }),
    ],
  ])('falls back to GET when %s', async (_what, script) => {
    await withRegistry(script, async (registry, tested) => {
      expect(await appOf(registry, tested).resolve({ tag: '1' })).toEqual(descriptor);
      expect(registry.lines()).toEqual(['HEAD /v2/app/manifests/1', 'GET /v2/app/manifests/1']);
    });
  });

  test('refuses a manifest that was named by another digest', async () => {
    const script: Script = ({ method }) => (method === 'HEAD' ? { status: 405 } : { status: 200, body: manifest });
    await withRegistry(script, async (registry, tested) => {
      const wanted = appOf(registry, tested).resolve({ digest: digestOf('other') });
      await expect(wanted).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    });
  });

  test('refuses one that never ends', async () => {
    const script: Script = ({ method }) =>
      method === 'HEAD' ? { status: 405 } : { status: 200, body: Buffer.alloc(5 << 20) };
    await withRegistry(script, async (registry, tested) => {
      await expect(appOf(registry, tested).resolve({ tag: '1' })).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    });
  });
});

describe('fetching a manifest', () => {
  test.each<[string, Buffer, string]>([
    ['other bytes', Buffer.from(manifest.toString().replace('2', '3')), 'DIGEST_MISMATCH'],
    ['too many bytes', Buffer.concat([manifest, manifest]), 'DIGEST_MISMATCH'],
    ['too few bytes', manifest.subarray(1), 'DIGEST_MISMATCH'],
  ])('refuses %s', async (_what, body, code) => {
    await withRegistry(
      () => ({ status: 200, body }),
      async (registry, tested) => {
        await expect(appOf(registry, tested).fetchManifest(descriptor)).rejects.toMatchObject({ code });
      },
    );
  });

  test('survives a connection that breaks in the middle', async () => {
    await withRegistry(
      ({ time }) => (time === 1 ? { status: 200, body: manifest, cutAfter: 10 } : undefined),
      async (registry, tested) => {
        expect((await appOf(registry, tested).fetchManifest(descriptor)).bytes).toEqual(manifest);
      },
    );
  });
});

describe('trying again', () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 522])('mends a %i', async (status) => {
    await withRegistry(
      ({ time }) => (time < 3 ? { status } : undefined),
      async (registry, tested) => {
        expect(await appOf(registry, tested).resolve({ tag: '1' })).toEqual(descriptor);
        expect(tested.sleeps).toEqual([500, 1000]);
      },
    );
  });

  test.each<[string, Script]>([
    ['a connection that breaks', ({ time }) => (time < 3 ? 'reset' : undefined)],
    ['an answer that does not come', ({ time }) => (time < 2 ? 'hang' : undefined)],
    [
      'malformed HTTP, as of Docker Hub under load',
      ({ time }) => (time < 3 ? { raw: 'HTTP/1.1 429 Too Many Requests\nA: b\n\nno' } : undefined),
    ],
  ])('mends %s', async (_what, script) => {
    await withRegistry(script, async (registry, tested) => {
      expect(await appOf(registry, tested).resolve({ tag: '1' })).toEqual(descriptor);
    });
  });

  test('waits as long as the registry asks, and says so', async () => {
    await withRegistry(
      ({ time }) => (time === 1 ? { status: 429, headers: { 'retry-after': '7' } } : undefined),
      async (registry, tested) => {
        await appOf(registry, tested).resolve({ tag: '1' });
        expect(tested.sleeps).toEqual([7000]);
        expect(tested.warnings).toEqual([`waiting 7 s for ${registry.host}: it limits how often it is asked`]);
      },
    );
  });

  test('does not wait for hours', async () => {
    await withRegistry(
      () => ({ status: 429, headers: { 'retry-after': '7200' }, body: 'slow down' }),
      async (registry, tested) => {
        await expect(appOf(registry, tested).resolve({ tag: '1' })).rejects.toMatchObject({
          code: 'REGISTRY_RESPONSE',
          message: expect.stringContaining('answered 429 (slow down)'),
        });
        expect(tested.sleeps).toEqual([]);
      },
    );
  });

  test('ends, and then says what was tried', async () => {
    await withRegistry(
      () => 'reset',
      async (registry, tested) => {
        await expect(appOf(registry, tested).fetchManifest(descriptor)).rejects.toMatchObject({
          code: 'REGISTRY_UNREACHABLE',
          message: expect.stringMatching(/cannot reach http:.*manifests.*: the connection was reset \(3 attempts\)/),
          details: expect.objectContaining({ attempts: 3 }),
        });
      },
    );
  });

  test('is not for a 400, nor for a registry that is not there', async () => {
    await withRegistry(
      () => errorReply(400, 'UNSUPPORTED'),
      async (registry, tested) => {
        await expect(appOf(registry, tested).fetchManifest(descriptor)).rejects.toThrow(/answered 400 \(UNSUPPORTED/);
        expect(registry.seen).toHaveLength(1);
      },
    );
    await using tested = testClient();
    const gone = tested.client.repository({ registry: `127.0.0.1:${await unusedPort()}`, repository: 'app' });
    await expect(gone.resolve({ tag: '1' })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/connection refused$/),
      hint: expect.stringContaining('HTTPS_PROXY'),
    });
  });
});

describe('errors', () => {
  test('tell an HTML page from an answer, and bring no control characters to the terminal', async () => {
    await withRegistry(
      ({ path }) =>
        path.endsWith('/1')
          ? { status: 400, body: '<html>\u001b[31m' }
          : { status: 400, body: JSON.stringify({ errors: [{ code: 'X', message: 'a\u001b[31m\nb' }] }) },
      async (registry, tested) => {
        const app = appOf(registry, tested);
        await expect(app.resolve({ tag: '1' })).rejects.toThrow(
          /answered 400 \(with an HTML page, which no registry sends\)$/,
        );
        await expect(app.resolve({ tag: '2' })).rejects.toThrow(/answered 400 \(X: a \[31m b\)$/);
      },
    );
  });

  test('of an abort come at once', async () => {
    await withRegistry(
      () => 'hang',
      async (registry, tested) => {
        const controller = new AbortController();
        const wanted = appOf(registry, tested).resolve({ tag: '1' }, { signal: controller.signal });
        setTimeout(() => controller.abort(), 20);
        await expect(wanted).rejects.toMatchObject({ code: 'ABORTED' });
        expect(tested.sleeps).toEqual([]);
      },
    );
  });

  test('of a registry that warns are none: warnings are passed on once', async () => {
    const headers = { warning: '299 - "go \\"away\\"", 299 - "soon\t\u00ad"' };
    await withRegistry(
      ({ method }) => (method === 'GET' ? { status: 200, body: manifest, headers } : undefined),
      async (registry, tested) => {
        await appOf(registry, tested).fetchManifest(descriptor);
        await appOf(registry, tested).fetchManifest(descriptor);
        expect(tested.warnings).toEqual([`${registry.host}: go "away"`, `${registry.host}: soon`]);
      },
    );
  });
});

describe('downloading a blob', () => {
  const download = async (registry: ScriptedRegistry, tested: TestClient): Promise<Buffer> =>
    await buffer(await appOf(registry, tested).openBlob(layer));

  test('takes a broken connection up again where it broke', async () => {
    await withRegistry(
      ({ time }) => (time === 1 ? { status: 200, body: bytes, cutAfter: 123_456 } : undefined),
      async (registry, tested) => {
        expect((await download(registry, tested)).equals(bytes)).toBe(true);
        const [first, second] = registry.seen;
        expect(first?.headers['range']).toBeUndefined();
        expect(second?.headers['range']).toMatch(/^bytes=\d+-$/);
        expect(first?.headers['accept-encoding']).toBe('identity');
      },
    );
  });

  test.each<[string, Script]>([
    ['that stalls', ({ time }) => (time === 1 ? { status: 200, body: bytes, stallAfter: 1000 } : undefined)],
    [
      'that ends early without having said a length',
      ({ time }) => (time === 1 ? { status: 200, body: bytes, cutAfter: 1000, closeDelimited: true } : undefined),
    ],
    [
      'of a registry that knows no ranges',
      ({ time }) => ({ status: 200, body: bytes, ...(time === 1 ? { cutAfter: 1000 } : {}) }),
    ],
    [
      'that goes on elsewhere than asked, once',
      ({ time }) => {
        if (time === 1) return { status: 200, body: bytes, cutAfter: 1000 };
        if (time > 2) return undefined;
        return {
          status: 206,
          body: bytes.subarray(5),
          headers: { 'content-range': `bytes 5-${bytes.length - 1}/${bytes.length}` },
        };
      },
    ],
  ])('survives one %s', async (_what, script) => {
    await withRegistry(script, async (registry, tested) => {
      expect((await download(registry, tested)).equals(bytes)).toBe(true);
    });
  });

  test('goes on for as long as each connection brings it forward', async () => {
    await withRegistry(
      ({ headers }) => {
        const from = Number(/\d+/.exec(headers['range'] ?? '0')?.[0]);
        const body = bytes.subarray(from);
        const range =
          from === 0 ? {} : { headers: { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } };
        return {
          status: from === 0 ? 200 : 206,
          body,
          ...range,
          ...(body.length > 70_000 ? { cutAfter: 70_000 } : {}),
        };
      },
      async (registry, tested) => {
        expect((await download(registry, tested)).equals(bytes)).toBe(true);
        expect(registry.seen.length).toBeGreaterThan(4);
      },
    );
  });

  test('is given up when connections bring nothing', async () => {
    await withRegistry(
      ({ headers }) => (headers['range'] === undefined ? { status: 200, body: bytes, cutAfter: 1000 } : 'reset'),
      async (registry, tested) => {
        await expect(download(registry, tested)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
      },
    );
  });

  test.each<[string, Script]>([
    ['other bytes', () => ({ status: 200, body: Buffer.alloc(bytes.length) })],
    ['too few', () => ({ status: 200, body: bytes.subarray(1) })],
    ['too many', () => ({ status: 200, body: Buffer.concat([bytes, bytes]) })],
    ['too many, without end', () => ({ status: 200, body: Buffer.concat([bytes, bytes]), closeDelimited: true })],
    ['a page of HTML', () => ({ status: 200, body: '<html>log in to the hotel network</html>' })],
    ['nothing', () => ({ status: 200 })],
  ])('refuses %s before its end', async (_what, script) => {
    await withRegistry(script, async (registry, tested) => {
      await expect(download(registry, tested)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    });
  });

  test('does not unpack what a server calls encoded', async () => {
    await withRegistry(
      () => ({ status: 200, body: bytes, headers: { 'content-encoding': 'x-gzip' } }),
      async (registry, tested) => {
        expect((await download(registry, tested)).equals(bytes)).toBe(true);
      },
    );
  });

  test('counts the bytes as they come', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        let count = 0;
        await buffer(await appOf(registry, tested).openBlob(layer, { onBytes: (more) => (count += more) }));
        expect(count).toBe(bytes.length);
        expect(registry.lines()).toEqual([BLOB]);
      },
    );
  });
});

describe('mirrors', () => {
  const through = (mirrors: readonly ScriptedRegistry[], origin: ScriptedRegistry): TestClient =>
    testClient({
      configuration: emptyConfiguration({
        rules: [
          {
            prefix: 'example.com',
            location: origin.host,
            insecure: true,
            blocked: false,
            file: 'registries.conf',
            mirrors: mirrors.map(({ host }) => ({ location: `${host}/proxy`, insecure: true, use: 'all' as const })),
          },
        ],
      }),
    });
  const app = ({ client }: TestClient) => client.repository({ registry: 'example.com', repository: 'app' });

  test('are asked first, the registry itself for what they lack', async () => {
    await using mirror = await startScriptedRegistry();
    await using origin = await startScriptedRegistry();
    await using tested = through([mirror], origin);
    mirror.content.putManifest('proxy/app', '1', { mediaType: MEDIA_TYPE.ociManifest, bytes: manifest });
    origin.content.putBlob('app', bytes);
    expect(await app(tested).resolve({ tag: '1' })).toEqual(descriptor);
    expect(origin.seen).toHaveLength(0);
    expect((await buffer(await app(tested).openBlob(layer))).length).toBe(bytes.length);
    expect(mirror.lines()).toContain(`GET /v2/proxy/app/blobs/${layer.digest}`);
    expect(origin.lines()).toEqual([BLOB]);
  });

  test('that do not answer are asked no more', async () => {
    await using mirror = await startScriptedRegistry(() => 'reset');
    await using origin = await startScriptedRegistry();
    await using tested = through([mirror], origin);
    origin.content.putManifest('app', '1', { mediaType: MEDIA_TYPE.ociManifest, bytes: manifest });
    await app(tested).resolve({ tag: '1' });
    const asked = mirror.seen.length;
    await app(tested).resolve({ tag: '1' });
    expect(mirror.seen).toHaveLength(asked);
  });

  test('are all named when nobody has the image', async () => {
    await using mirror = await startScriptedRegistry(() => ({ status: 503, body: '' }));
    await using origin = await startScriptedRegistry();
    await using tested = through([mirror], origin);
    await expect(app(tested).resolve({ tag: 'none' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(
        new RegExp(
          `^cannot find image "example.com/app:none": the mirror ${mirror.host}: .*503; ${origin.host} answered 404`,
        ),
      ),
      details: expect.objectContaining({ asked: `${mirror.host} ${origin.host}` }),
    });
  });

  test('never get anything pushed', async () => {
    await using mirror = await startScriptedRegistry();
    await using origin = await startScriptedRegistry();
    await using tested = through([mirror], origin);
    await app(tested).pushBlob({ descriptor: layer, open: () => Promise.resolve(Readable.from([bytes])) });
    expect(mirror.seen).toHaveLength(0);
    expect(origin.content.blobs.get(`app@${layer.digest}`)?.equals(bytes)).toBe(true);
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
