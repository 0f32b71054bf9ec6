// What the conformance suite of the OCI distribution-spec asks of registries, asked of this client, against a real registry. The
// groups are the suite's four workflow categories.
import { randomBytes } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { digestOf, type Digest } from '../../src/oci/digest.js';
import type { EncodedManifest } from '../../src/oci/image.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { dockerRegistry, startDockerRegistry, type DockerRegistry } from '../support/docker-registry.js';
import { testClient, type TestClient } from '../support/registry/test-client.js';

const blobOf = (bytes: Buffer, mediaType: string = MEDIA_TYPE.ociLayer): Descriptor<string> => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
const encoded = (document: object, mediaType: string): EncodedManifest => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }));
  return { descriptor: blobOf(bytes, mediaType), bytes };
};
const wanted = (descriptor: Descriptor<string>) => descriptor as Descriptor<typeof MEDIA_TYPE.ociManifest>;

describe.skipIf(dockerRegistry.skip)(`distribution-spec, with docker-registry (${dockerRegistry.reason})`, () => {
  let registry: DockerRegistry;
  let tested: TestClient;
  beforeAll(async () => {
    registry = await startDockerRegistry({ deletion: true });
    tested = testClient({ timeouts: {} });
  });
  afterAll(async () => {
    await tested[Symbol.asyncDispose]();
    await registry.stop();
  });

  const repository = (name: string, host = registry.host) =>
    tested.client.repository({ registry: host, repository: name });
  const pushBytes = async (name: string, bytes: Buffer, mediaType?: string): Promise<Descriptor<string>> => {
    const descriptor = blobOf(bytes, mediaType);
    await repository(name).pushBlob({ descriptor, open: () => Promise.resolve(Readable.from([bytes])) });
    return descriptor;
  };
  const image = async (name: string, layers: readonly Buffer[]): Promise<EncodedManifest> => {
    const config = Buffer.from(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) },
      }),
    );
    const pushed: Descriptor<string>[] = [];
    for (const layer of layers) pushed.push(await pushBytes(name, layer));
    return encoded(
      { config: await pushBytes(name, config, MEDIA_TYPE.ociConfig), layers: pushed },
      MEDIA_TYPE.ociManifest,
    );
  };
  const artifact = async (
    name: string,
    subject: Descriptor<string>,
    artifactType: string,
  ): Promise<EncodedManifest> => {
    const config = await pushBytes(name, Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
    return encoded({ artifactType, config, layers: [config], subject }, MEDIA_TYPE.ociManifest);
  };

  describe('Pull', () => {
    let manifest: EncodedManifest;
    const layer = Buffer.from('a layer');
    beforeAll(async () => {
      manifest = await image('conformance/pull', [layer]);
      await repository('conformance/pull').pushManifest(manifest, { tag: 'tag1' });
    });

    test('HEAD and GET request to manifest path (tag) yield the manifest', async () => {
      const found = await repository('conformance/pull').resolve({ tag: 'tag1' });
      expect(found).toEqual(manifest.descriptor);
      expect(await repository('conformance/pull').fetchDocument(found)).toEqual(manifest.bytes);
    });

    test('HEAD and GET request to manifest path (digest) yield the manifest', async () => {
      const found = await repository('conformance/pull').resolve({ digest: manifest.descriptor.digest });
      const { value } = await repository('conformance/pull').fetchManifest(found);
      expect(value).toMatchObject({ layers: [blobOf(layer)] });
    });

    test('HEAD request to a nonexistent manifest is 404', async () => {
      const missing = repository('conformance/pull').resolve({ tag: 'nothing' });
      await expect(missing).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test('GET request to an existing blob yields its bytes, also from the middle on', async () => {
      expect(await buffer(await repository('conformance/pull').openBlob(wanted(blobOf(layer))))).toEqual(layer);
      const rest = repository('conformance/pull').fetchBlob(blobOf(layer), { offset: 2 });
      expect(await buffer(Readable.from(rest))).toEqual(layer.subarray(2));
    });

    test('GET request to a nonexistent blob is 404', async () => {
      const missing = buffer(await repository('conformance/pull').openBlob(wanted(blobOf(Buffer.from('none')))));
      await expect(missing).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', message: expect.stringContaining('404') });
    });
  });

  describe('Push', () => {
    test('POST then PUT uploads a blob', async () => {
      const bytes = Buffer.from('in one piece');
      await pushBytes('conformance/push', bytes);
      expect(await buffer(await repository('conformance/push').openBlob(wanted(blobOf(bytes))))).toEqual(bytes);
    });

    test('an empty blob is uploaded', async () => {
      await pushBytes('conformance/push', Buffer.alloc(0));
      const read = await buffer(await repository('conformance/push').openBlob(wanted(blobOf(Buffer.alloc(0)))));
      expect(read).toHaveLength(0);
    });

    test('chunks follow each other, and go on after a break', async () => {
      const bytes = randomBytes(11 << 20);
      await using flaky = await startFlakyProxy(registry.host, [3 << 20, 1 << 20]);
      const descriptor = wanted(blobOf(bytes));
      const through = repository('conformance/chunks', flaky.host);
      const open = () => Promise.resolve(Readable.from([bytes], { objectMode: false }));
      expect(await through.pushBlob({ descriptor, open })).toBe('uploaded');
      expect(flaky.broken()).toBe(2);
      await expect
        .poll(() => registry.requests().filter((line) => line.startsWith('PATCH ')).length)
        .toBeGreaterThan(1);
      const read = await buffer(await repository('conformance/chunks').openBlob(descriptor));
      expect(read.equals(bytes)).toBe(true);
    });

    test('a blob is mounted from another repository', async () => {
      const bytes = Buffer.from('to be mounted');
      await pushBytes('conformance/from', bytes);
      const mountFrom = { registry: registry.host, repository: 'conformance/from' };
      const open = () => Promise.reject(new Error('nothing is to be sent'));
      const outcome = await repository('conformance/to').pushBlob({ descriptor: blobOf(bytes), open, mountFrom });
      expect(outcome).toBe('mounted');
    });

    test('PUT of a manifest takes the blobs that it names; by tag and by digest', async () => {
      const manifest = await image('conformance/push', [Buffer.from('one'), Buffer.from('two')]);
      await repository('conformance/push').pushManifest(manifest, { tag: 'latest' });
      await repository('conformance/push').pushManifest(manifest);
      expect((await repository('conformance/push').resolve({ tag: 'latest' })).digest).toBe(manifest.descriptor.digest);
    });

    test('a manifest is refused while a blob that it names is missing', async () => {
      const layers = [blobOf(Buffer.from('never sent'))];
      const config = await pushBytes('conformance/push', Buffer.from('{"a":1}'), MEDIA_TYPE.ociConfig);
      const manifest = encoded({ config, layers }, MEDIA_TYPE.ociManifest);
      const refused = repository('conformance/push').pushManifest(manifest, { tag: 'bad' });
      await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_RESPONSE' });
    });

    test('an index of images, and a manifest without layers', async () => {
      const empty = await image('conformance/push', []);
      await repository('conformance/push').pushManifest(empty);
      const manifests = [{ ...empty.descriptor, platform: { os: 'linux', architecture: 'amd64' } }];
      const index = encoded({ manifests }, MEDIA_TYPE.ociIndex);
      await repository('conformance/push').pushManifest(index, { tag: 'index' });
      expect(await repository('conformance/push').resolve({ tag: 'index' })).toEqual(index.descriptor);
    });
  });

  describe('Content Discovery', () => {
    const name = 'conformance/discovery';
    let manifest: EncodedManifest;
    beforeAll(async () => {
      manifest = await image(name, [Buffer.from('discovered')]);
      for (const tag of ['test2', 'test10', 'Test1', 'test1']) await repository(name).pushManifest(manifest, { tag });
    });

    test('GET request to list tags yields all of them, in order', async () => {
      expect(await repository(name).listTags()).toEqual(['Test1', 'test1', 'test10', 'test2']);
    });

    test('GET request to list tags of a nonexistent repository is 404', async () => {
      await expect(repository('conformance/none').listTags()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test('GET request to list referrers of nothing yields none', async () => {
      expect(await repository(name).listReferrers(digestOf('nothing'))).toEqual([]);
    });

    test('GET request to list referrers yields those that were pushed, and those of a type', async () => {
      const [one, two] = [
        await artifact(name, manifest.descriptor, 'text/one'),
        await artifact(name, manifest.descriptor, 'text/two'),
      ];
      for (const each of [one, two]) await repository(name).pushManifest(each);
      const digests = async (artifactType?: string): Promise<readonly Digest[]> =>
        (await repository(name).listReferrers(manifest.descriptor.digest, { artifactType })).map(
          ({ digest }) => digest,
        );
      expect([...(await digests())].sort()).toEqual([one.descriptor.digest, two.descriptor.digest].sort());
      expect(await digests('text/two')).toEqual([two.descriptor.digest]);
    });

    test('a subject need not exist', async () => {
      const orphan = await artifact(name, blobOf(Buffer.from('gone'), MEDIA_TYPE.ociManifest), 'text/orphan');
      await repository(name).pushManifest(orphan);
      expect(await repository(name).listReferrers(digestOf('gone'))).toHaveLength(1);
    });
  });

  describe('Content Management', () => {
    const name = 'conformance/management';

    test('DELETE request to a manifest (digest) deletes it, and its tags', async () => {
      const manifest = await image(name, [Buffer.from('to be deleted')]);
      await repository(name).pushManifest(manifest, { tag: 'gone' });
      await repository(name).deleteManifest({ digest: manifest.descriptor.digest });
      await expect(repository(name).resolve({ tag: 'gone' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test('DELETE request to a manifest (tag) deletes the tag, or says that this registry cannot', async () => {
      const manifest = await image(name, [Buffer.from('tagged')]);
      await repository(name).pushManifest(manifest, { tag: 'tag' });
      await expect(repository(name).deleteManifest({ tag: 'tag' })).rejects.toMatchObject({
        code: 'REGISTRY_RESPONSE',
        hint: expect.stringContaining('by its digest'),
      });
    });

    test('DELETE request to a blob deletes it; to one that is not there is 404', async () => {
      const { digest } = await pushBytes(name, Buffer.from('a blob to be deleted'));
      await repository(name).deleteBlob(digest);
      await expect(repository(name).deleteBlob(digest)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test('DELETE request to what refers to something takes it out of the listing', async () => {
      const manifest = await image(name, [Buffer.from('with a referrer')]);
      await repository(name).pushManifest(manifest);
      const referrer = await artifact(name, manifest.descriptor, 'text/x');
      await repository(name).pushManifest(referrer);
      await repository(name).deleteManifest({ digest: referrer.descriptor.digest });
      expect(await repository(name).listReferrers(manifest.descriptor.digest)).toEqual([]);
    });
  });
});

/** Between client and registry; breaks the next connections whose body has so many bytes, after those. */
async function startFlakyProxy(
  host: string,
  breaks: readonly number[],
): Promise<AsyncDisposable & { readonly host: string; readonly broken: () => number }> {
  let broken = 0;
  const server: Server = createServer((incoming, outgoing) => {
    const [hostname, port] = host.split(':');
    const { method, url, headers } = incoming;
    const onward = request({ host: hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => outgoing.destroy()).pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    const limit = breaks[broken];
    let taken = 0;
    incoming.on('data', (chunk: Buffer) => {
      taken += chunk.length;
      onward.write(chunk);
      if (limit === undefined || taken < limit || Number(headers['content-length']) <= limit) return;
      if (broken < breaks.length && breaks[broken] === limit) broken += 1;
      onward.destroy();
      incoming.destroy();
    });
    incoming.on('end', () => onward.end());
    incoming.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    broken: () => broken,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
