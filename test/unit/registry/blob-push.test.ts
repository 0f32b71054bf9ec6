import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { decodeIndex } from '../../../src/oci/decode.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { TsbuildError } from '../../../src/support/errors.js';
import { errorReply } from '../../../src/testing/exchange.js';
import type { Script } from '../../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';

const bytes = Buffer.from('0123456789'.repeat(100_000));
const descriptor = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };

async function withRegistry(script: Script, run: (registry: ScriptedRegistry, tested: TestClient) => Promise<void>) {
  await using registry = await startScriptedRegistry(script);
  await using tested = testClient();
  await run(registry, tested);
}

const chunked = () =>
  Readable.from(Array.from({ length: 10 }, (_, index) => bytes.subarray(index * 100_000, (index + 1) * 100_000)));

async function push(registry: ScriptedRegistry, tested: TestClient, onBytes?: (count: number) => void) {
  const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
  let opened = 0;
  const open = () => {
    opened += 1;
    return Promise.resolve(chunked());
  };
  const outcome = await repository.pushBlob({ descriptor, open }, { onBytes });
  return { outcome, opened };
}

const isUpload = ({ method }: { readonly method: string }) => method === 'PUT';

describe('pushing a blob', () => {
  test('asks, opens a session, and sends all in one', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        expect(await push(registry, tested)).toEqual({ outcome: 'uploaded', opened: 1 });
        const digest = encodeURIComponent(descriptor.digest);
        expect(registry.lines()).toEqual([
          `HEAD /v2/app/blobs/${descriptor.digest}`,
          'POST /v2/app/blobs/uploads/',
          `PUT /v2/app/blobs/uploads/1?_state=a%2Fb&digest=${digest}`,
        ]);
        expect(registry.seen[2]?.headers).toMatchObject({
          'content-length': String(bytes.length),
          'content-type': 'application/octet-stream',
        });
        expect((await push(registry, tested)).outcome).toBe('exists');
      },
    );
  });

  test.each<[string, Script]>([
    ['breaks', (request) => (isUpload(request) && request.path.includes('uploads/1?') ? 'reset' : undefined)],
    [
      'ends in 503',
      (request) => (isUpload(request) && request.path.includes('uploads/1?') ? { status: 503 } : undefined),
    ],
    ['hangs', (request) => (isUpload(request) && request.path.includes('uploads/1?') ? 'hang' : undefined)],
    [
      'is forgotten',
      (request) =>
        isUpload(request) && request.path.includes('uploads/1?') ? errorReply(404, 'BLOB_UPLOAD_UNKNOWN') : undefined,
    ],
    [
      'got out of step',
      (request) =>
        isUpload(request) && request.path.includes('uploads/1?') ? errorReply(400, 'DIGEST_INVALID') : undefined,
    ],
  ])('starts over with the body from its start when the session %s', async (_what, script) => {
    await withRegistry(script, async (registry, tested) => {
      let counted = 0;
      expect(await push(registry, tested, (count) => (counted += count))).toEqual({ outcome: 'uploaded', opened: 2 });
      expect(registry.content.blobs.get(`app@${descriptor.digest}`)?.equals(bytes)).toBe(true);
      expect(counted).toBe(bytes.length);
    });
  });

  test('survives a token that expires before the upload', async () => {
    const script: Script = ({ method, path, headers, time }) => {
      if (path.startsWith('/token')) return { status: 200, body: JSON.stringify({ token: `t${time}` }) };
      const valid = method === 'PUT' ? 't2' : 't1';
      const challenge = `Bearer realm="http://${headers['host']}/token",service="s"`;
      if (headers['authorization'] === `Bearer ${valid}`) return undefined;
      return { status: 401, headers: { 'www-authenticate': challenge } };
    };
    await withRegistry(script, async (registry, tested) => {
      let counted = 0;
      expect(await push(registry, tested, (count) => (counted += count))).toEqual({ outcome: 'uploaded', opened: 2 });
      expect(counted).toBe(bytes.length);
    });
  });

  test('does not send again and again what is refused', async () => {
    await withRegistry(
      (request) => (isUpload(request) ? errorReply(400, 'DIGEST_INVALID') : undefined),
      async (registry, tested) => {
        await expect(push(registry, tested)).rejects.toMatchObject({
          code: 'REGISTRY_RESPONSE',
          message: expect.stringMatching(
            /^cannot push blob "sha256:.*" to ".*\/app": .* answered 400 \(DIGEST_INVALID/,
          ),
        });
        expect(registry.seen.filter(isUpload)).toHaveLength(2);
      },
    );
  });

  test('fails with what reading the blob fails with, and leaves nothing behind', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        const broken = async function* () {
          yield bytes.subarray(0, 100_000);
          await Promise.resolve();
          throw new TsbuildError('DIGEST_MISMATCH', 'cannot read blob');
        };
        const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
        const pushing = repository.pushBlob({ descriptor, open: () => Promise.resolve(Readable.from(broken())) });
        await expect(pushing).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
        expect(registry.content.blobs.size).toBe(0);
      },
    );
  });

  test('goes where the registry says, without taking credentials there', async () => {
    await using storage = await startScriptedRegistry(() => ({ status: 201 }));
    const script: Script = ({ method, headers }) => {
      if (headers['authorization'] === undefined)
        return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      return method === 'POST'
        ? { status: 202, headers: { location: `http://${storage.host}/up?a=b%20c` } }
        : undefined;
    };
    await using registry = await startScriptedRegistry(script);
    await using tested = testClient({
      credentials: { [registry.host]: { kind: 'password', username: 'me', password: 'pw' } },
    });
    expect((await push(registry, tested)).outcome).toBe('uploaded');
    const [upload] = storage.seen;
    expect(upload?.path).toBe(`/up?a=b%20c&digest=${encodeURIComponent(descriptor.digest)}`);
    expect(upload?.headers['authorization']).toBeUndefined();
    expect(upload?.body.equals(bytes)).toBe(true);
  });

  test('asks for the token to push with, in one scope', async () => {
    const script: Script = ({ path, headers }) => {
      if (path.startsWith('/token')) return { status: 200, body: '{"token":"t"}' };
      const challenge = `Bearer realm="http://${headers['host']}/token",service="s"`;
      return headers['authorization'] === 'Bearer t'
        ? undefined
        : { status: 401, headers: { 'www-authenticate': challenge } };
    };
    await withRegistry(script, async (registry, tested) => {
      await push(registry, tested);
      const scopes = registry.lines().filter((line) => line.includes('/token'));
      expect(scopes).toEqual(['GET /token?service=s&scope=repository%3Aapp%3Apull%2Cpush&client_id=tsbuild']);
    });
  });

  test('says what to do when the repository has to be made first', async () => {
    await withRegistry(
      ({ method }) => (method === 'POST' ? errorReply(404, 'NAME_UNKNOWN') : undefined),
      async (registry, tested) => {
        await expect(push(registry, tested)).rejects.toMatchObject({
          code: 'REGISTRY_RESPONSE',
          hint: expect.stringContaining('created before'),
        });
      },
    );
  });
});

describe('mounting a blob', () => {
  const mount = async (registry: ScriptedRegistry, tested: TestClient) => {
    const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
    const mountFrom = { registry: registry.host, repository: 'base' };
    return await repository.pushBlob({ descriptor, mountFrom, open: () => Promise.resolve(chunked()) });
  };

  test('moves nothing', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        registry.content.putBlob('base', bytes);
        expect(await mount(registry, tested)).toBe('mounted');
        expect(registry.seen.some(isUpload)).toBe(false);
      },
    );
  });

  test.each([202, 400, 401, 403, 404])('that is answered with %i becomes an upload', async (status) => {
    // What has nothing to mount answers 202 by itself.
    const script: Script = ({ path }) => (path.includes('mount=') && status !== 202 ? { status } : undefined);
    await withRegistry(script, async (registry, tested) => {
      expect(await mount(registry, tested)).toBe('uploaded');
      expect(registry.content.blobs.get(`app@${descriptor.digest}`)?.equals(bytes)).toBe(true);
    });
  });

  test('is not tried from another registry', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
        const mountFrom = { registry: 'docker.io', repository: 'library/debian' };
        await repository.pushBlob({ descriptor, mountFrom, open: () => Promise.resolve(chunked()) });
        expect(registry.lines().some((line) => line.includes('mount='))).toBe(false);
      },
    );
  });
});

describe('pushing a manifest', () => {
  const text = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] }));
  const index = decodeIndex(text, { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(text), size: text.length });
  const pushIndex = async (registry: ScriptedRegistry, tested: TestClient, tag?: string) => {
    const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
    await repository.pushManifest(index, tag === undefined ? {} : { tag });
  };

  test('sends the very bytes, by tag or by digest, and by digest only what is not there', async () => {
    await withRegistry(
      () => undefined,
      async (registry, tested) => {
        await pushIndex(registry, tested);
        await pushIndex(registry, tested, '1');
        await pushIndex(registry, tested);
        const byDigest = `/v2/app/manifests/${index.descriptor.digest}`;
        expect(registry.lines()).toEqual([
          `HEAD ${byDigest}`,
          `PUT ${byDigest}`,
          'PUT /v2/app/manifests/1',
          `HEAD ${byDigest}`,
        ]);
        expect(registry.seen[1]?.body).toEqual(text);
        expect(registry.seen[1]?.headers['content-type']).toBe(MEDIA_TYPE.ociIndex);
      },
    );
  });

  test('waits for a registry that does not know its own blobs yet', async () => {
    await withRegistry(
      ({ time }) => (time < 3 ? errorReply(400, 'MANIFEST_BLOB_UNKNOWN') : undefined),
      async (registry, tested) => {
        await pushIndex(registry, tested, '1');
        expect(tested.sleeps).toEqual([500, 1000]);
      },
    );
  });

  test('does not accept that it was stored as something else', async () => {
    await withRegistry(
      () => ({ status: 201, headers: { 'docker-content-digest': digestOf('other') } }),
      async (registry, tested) => {
        await expect(pushIndex(registry, tested, '1')).rejects.toThrow(/stored sha256:.* in place of sha256:/);
      },
    );
  });

  test('explains a size that is not taken', async () => {
    await withRegistry(
      () => ({ status: 413, body: '<html>' }),
      async (registry, tested) => {
        await expect(pushIndex(registry, tested, '1')).rejects.toMatchObject({
          hint: expect.stringContaining('limits the size'),
        });
      },
    );
  });
});
