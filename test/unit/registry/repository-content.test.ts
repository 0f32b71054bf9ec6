import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { errorReply, type Reply, type Script } from '../../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistryOptions } from '../../../src/testing/scripted-registry.js';
import { testClient } from '../../support/registry/test-client.js';
import { SampleRepository, type Sent } from './sample-registry.js';

async function open(script?: Script, options: ScriptedRegistryOptions = {}) {
  const registry = await startScriptedRegistry(script, options);
  const tested = testClient();
  const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
  return {
    registry,
    repository,
    sample: new SampleRepository(registry.content),
    async [Symbol.asyncDispose]() {
      await tested[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const json = (body: unknown, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const next = (url: string): Record<string, string> => ({ link: `<${url}>; rel="next"` });

describe('tags', () => {
  test('come page by page, sorted', async () => {
    await using it = await open(({ path, headers }) => {
      const url = new URL(path, 'http://x');
      if (!path.includes('/tags/list')) return undefined;
      const page = url.searchParams.get('last');
      if (page === null) return json({ tags: ['c', 'a'] }, next('/v2/app/tags/list?n=2&last=c'));
      if (page === 'c') return json({ tags: ['b', 'a'] }, next(`http://${headers['host']}/v2/app/tags/list?last=b`));
      return json({ tags: null });
    });
    expect(await it.repository.listTags()).toEqual(['a', 'b', 'c']);
    expect(it.registry.lines()[0]).toBe('GET /v2/app/tags/list?n=1000');
  });

  test.each<[string, Script, object]>([
    ['go round', () => json({ tags: [] }, next('/v2/app/tags/list?n=1000')), { code: 'REGISTRY_RESPONSE' }],
    ['lead away', () => json({ tags: [] }, next('http://169.254.169.254/meta')), { code: 'REGISTRY_RESPONSE' }],
    ['are no tags', () => json({ tags: [1] }), { code: 'REGISTRY_RESPONSE' }],
    ['are a page of HTML', () => ({ status: 200, body: '<html>' }), { code: 'REGISTRY_RESPONSE' }],
    ['are of nothing', () => errorReply(404, 'NAME_UNKNOWN'), { code: 'IMAGE_NOT_FOUND' }],
    ['are not for everybody', () => errorReply(403, 'DENIED'), { code: 'REGISTRY_UNAUTHORIZED' }],
  ])('that %s are refused', async (_what, script, error) => {
    await using it = await open(script);
    await expect(it.repository.listTags()).rejects.toMatchObject(error);
  });
});

describe('deleting', () => {
  test('a tag leaves the manifest; the manifest goes with its tags; a blob goes', async () => {
    await using it = await open();
    const image = it.sample.image('amd64', { tag: '1' });
    it.registry.content.putManifest('app', '2', {
      mediaType: image.mediaType,
      bytes: it.registry.content.manifests.get('app:1')?.bytes ?? Buffer.alloc(0),
    });
    await it.repository.deleteManifest({ tag: '1' });
    expect([...it.registry.content.manifests.keys()].sort()).toEqual(['app:2', `app@${image.digest}`]);
    await it.repository.deleteManifest({ digest: image.digest });
    expect(it.registry.content.manifests.size).toBe(0);
    const blob = it.sample.blob(Buffer.from('x'), MEDIA_TYPE.ociLayer);
    await it.repository.deleteBlob(blob.digest);
    await expect(it.repository.deleteBlob(blob.digest)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  test.each([400, 405])('that the registry does not do (%i) says what can be done', async (status) => {
    await using it = await open(({ method }) => (method === 'DELETE' ? errorReply(status, 'UNSUPPORTED') : undefined));
    const image = it.sample.image('amd64', { tag: '1' });
    await expect(it.repository.deleteManifest({ tag: '1' })).rejects.toMatchObject({
      code: 'REGISTRY_RESPONSE',
      hint: expect.stringContaining('by its digest'),
    });
    await expect(it.repository.deleteManifest({ digest: image.digest })).rejects.toMatchObject({
      hint: expect.stringContaining('deletes nothing'),
    });
  });
});

const artifact = (subject: Sent, artifactType: string) => {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      artifactType,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
      layers: [],
      subject,
      annotations: { made: 'here' },
    }),
  );
  return { descriptor: { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf(bytes), size: bytes.length }, bytes };
};

describe.each([true, false])('referrers (with the API of 1.1: %s)', (referrers) => {
  test('are listed after they were pushed, by type too, and no more after they were deleted', async () => {
    await using it = await open(undefined, { referrers });
    const image = it.sample.image('amd64', { tag: '1' });
    const [sbom, signature] = [artifact(image, 'text/sbom'), artifact(image, 'text/signature')];
    expect(await it.repository.listReferrers(image.digest)).toEqual([]);
    for (const each of [sbom, signature, sbom]) await it.repository.pushManifest(each);
    const listed = await it.repository.listReferrers(image.digest);
    expect(listed.map(({ digest }) => digest).sort()).toEqual(
      [sbom.descriptor.digest, signature.descriptor.digest].sort(),
    );
    expect(await it.repository.listReferrers(image.digest, { artifactType: 'text/sbom' })).toEqual([
      { ...sbom.descriptor, artifactType: 'text/sbom', annotations: { made: 'here' } },
    ]);
    const tag = `app:${image.digest.replace(':', '-')}`;
    expect(it.registry.content.manifests.has(tag)).toBe(!referrers);
    await it.repository.deleteManifest({ digest: sbom.descriptor.digest });
    expect(await it.repository.listReferrers(image.digest)).toHaveLength(1);
  });
});

describe('listing referrers', () => {
  const isApi = (path: string): boolean => path.includes('/referrers/');

  test.each([400, 404, 405, 406])('falls back to the tag when the API answers %i', async (status) => {
    await using it = await open(({ path }) => (isApi(path) ? { status, body: 'page not found' } : undefined));
    expect(await it.repository.listReferrers(digestOf('nothing'))).toEqual([]);
  });

  test('does not take what the tag stands for on GitLab for referrers: the image itself', async () => {
    await using it = await open(undefined, { referrers: false });
    const index = it.sample.index([it.sample.image('amd64')]);
    const bytes = it.registry.content.manifests.get(`app@${index.digest}`)?.bytes ?? Buffer.alloc(0);
    it.registry.content.putManifest('app', index.digest.replace(':', '-'), { mediaType: index.mediaType, bytes });
    expect(await it.repository.listReferrers(index.digest)).toEqual([]);
  });

  test('filters what a registry does not, and passes a refusal on', async () => {
    let deny = false;
    await using it = await open(({ path }) => {
      if (!isApi(path)) return undefined;
      if (deny) return errorReply(403, 'DENIED');
      const entry = { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf('a'), size: 1, artifactType: 'a' };
      return json({ schemaVersion: 2, manifests: [entry] }, { 'content-type': MEDIA_TYPE.ociIndex });
    });
    expect(await it.repository.listReferrers(digestOf('x'), { artifactType: 'b' })).toEqual([]);
    expect(await it.repository.listReferrers(digestOf('x'), { artifactType: 'a' })).toHaveLength(1);
    deny = true;
    await expect(it.repository.listReferrers(digestOf('x'))).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  });
});
