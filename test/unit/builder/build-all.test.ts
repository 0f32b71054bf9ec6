import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildAll } from '../../../src/builder/build.js';
import { buildRequest, type BuildRequest, type BuildResult } from '../../../src/builder/build-request.js';
import type { ProgressEvent } from '../../../src/builder/progress.js';
import { decodeIndex } from '../../../src/oci/decode.js';
import { parsePlatform } from '../../../src/oci/platform.js';
import { createBuilderParts } from '../../../src/toolchain/builder-parts.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';
import { requirement } from '../../support/require.js';

const root = requirement('root', process.getuid?.() === 0, 'steps are done in this process, which only root can');

let folder: string;
let store: OpenStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-build-all-'));
  store = await openStore(join(folder, 'store'));
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'file'), `of ${name}`);
  }
});

afterEach(async () => {
  store[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
});

function requestOf(text: string, given: Partial<BuildRequest> = {}): BuildRequest {
  const dockerfile = { name: 'Dockerfile', text };
  return buildRequest({ dockerfile, contextDirectory: join(folder, 'one'), ...given });
}

async function built(
  requests: readonly BuildRequest[],
): Promise<{ readonly results: readonly BuildResult[]; readonly events: readonly ProgressEvent[] }> {
  const events: ProgressEvent[] = [];
  const { signal } = new AbortController();
  const progress = (event: ProgressEvent): void => {
    events.push(event);
  };
  const options = { store, env: {}, drain: () => Promise.resolve(), now: () => 0, progress, signal };
  await using parts = createBuilderParts(options);
  return { results: await buildAll(requests, parts, options), events };
}

function done(events: readonly ProgressEvent[]): readonly string[] {
  const labels = new Map(events.flatMap((one) => (one.type === 'step-planned' ? [[one.step, one.label]] : [])));
  return events.flatMap((one) => (one.type === 'step-done' ? [labels.get(one.step) ?? ''] : []));
}

const COPY = 'FROM scratch\nCOPY file /\n';

describe.skipIf(root.skip)(`buildAll() (${root.reason})`, () => {
  test('gives a result for each request, in their order, as each alone would', async () => {
    const requests = [
      requestOf(COPY, { tags: ['first'] }),
      requestOf(`${COPY}LABEL a=b\n`, { tags: ['second'], contextDirectory: join(folder, 'two') }),
    ];
    const { results } = await built(requests);
    const alone = [await built(requests.slice(0, 1)), await built(requests.slice(1))];
    expect(results.map(({ imageId }) => imageId)).toEqual(alone.map(({ results: [one] }) => one?.imageId));
    expect(results.map(({ names }) => names)).toEqual([
      ['docker.io/library/first:latest'],
      ['docker.io/library/second:latest'],
    ]);
    expect(new Set(results.map(({ imageId }) => imageId)).size).toBe(2);
  });

  test('does once what two of them have in common, and counts it for both', async () => {
    const { results, events } = await built([requestOf(COPY), requestOf(`${COPY}COPY file /again\n`)]);
    expect(done(events)).toEqual(['[1/1] COPY file /', '[2/2] COPY file /again']);
    expect(results.map(({ steps }) => steps)).toEqual([
      { total: 2, cached: 1 },
      { total: 3, cached: 1 },
    ]);
  });

  test('warns once of what two of them would be warned of', async () => {
    const text = `${COPY}CMD a b\n`;
    const { events } = await built([requestOf(text), requestOf(text, { labels: { a: 'b' } })]);
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings.length).toBeGreaterThan(0);
    expect(new Set(warnings).size).toBe(warnings.length);
  });

  test('for several platforms: an image each, in the order given, once, and an index that has the names', async () => {
    const platforms = ['linux/arm/v7', 'linux/amd64', 'linux/arm64/v8', 'arm64'];
    const placedAnnotations = [
      { place: 'index', name: 'of', value: 'all' },
      { place: 'manifest', platform: 'linux/arm64', name: 'of', value: 'one' },
      { place: 'manifest-descriptor', platform: 'linux/amd64', name: 'of', value: 'entry' },
    ] as const;
    const request = requestOf(COPY, { platforms, placedAnnotations, annotations: { k: 'v' }, tags: ['multi'] });
    const { results, events } = await built([request]);
    const [result] = results;
    expect(result?.images?.map(({ platform }) => platform)).toEqual(['linux/arm/v7', 'linux/amd64', 'linux/arm64']);
    const [stored] = await store.images.list();
    expect(stored?.name).toMatchObject({ repository: 'library/multi' });
    expect(stored?.index?.digest).toBe(result?.index?.digest);
    if (stored?.index === undefined) throw new Error('the name stands for no index');
    const index = decodeIndex(await store.blobs.read(stored.index), stored.index);
    expect(
      index.value.manifests.map(({ digest, platform, annotations }) => ({ digest, platform, annotations })),
    ).toEqual(
      result?.images?.map(({ platform, manifest: { digest } }) => ({
        digest,
        platform: parsePlatform(platform),
        annotations: platform === 'linux/amd64' ? { of: 'entry' } : undefined,
      })),
    );
    expect(index.value.annotations).toEqual({ of: 'all' });
    const annotated = (result?.images ?? []).map(async ({ manifest }) => (await store.images.manifest(manifest)).value);
    expect((await Promise.all(annotated)).map(({ annotations }) => annotations)).toEqual([
      { k: 'v' },
      { k: 'v' },
      { k: 'v', of: 'one' },
    ]);
    // The files are for any platform: what copies them is the same work.
    expect(done(events)).toEqual(['[linux/arm/v7 1/1] COPY file /']);
  });

  test('a build on such an image takes from the store what its index has for each platform, and asks nobody', async () => {
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'];
    const text = 'FROM scratch\nARG TARGETARCH\nLABEL for=$TARGETARCH\nCOPY file /\n';
    await built([requestOf(text, { platforms, tags: ['base.example/multi'] })]);
    const above = requestOf('FROM base.example/multi\nCOPY file /again\n', { platforms: platforms.toReversed() });
    const { results, events } = await built([above]);
    const configs = (results[0]?.images ?? []).map(async ({ platform, manifest }) => {
      const { value } = await store.images.config(await store.images.manifest(manifest));
      return [platform, value.architecture, value.config.Labels];
    });
    expect(await Promise.all(configs)).toEqual([
      ['linux/arm/v7', 'arm', { for: 'arm' }],
      ['linux/arm64', 'arm64', { for: 'arm64' }],
      ['linux/amd64', 'amd64', { for: 'amd64' }],
    ]);
    expect(events.some((event) => event.type === 'step-planned' && event.label.includes('load metadata'))).toBe(false);
  });

  test.each<{ name: string; given: Partial<BuildRequest>; message: string }>([
    {
      name: 'an annotation of an index that is not made',
      given: { platforms: ['linux/arm64', 'arm64'], placedAnnotations: [{ place: 'index', name: 'k', value: 'v' }] },
      message: 'cannot annotate the index with "k": the build makes no index',
    },
    {
      name: 'an annotation of an image that is not made',
      given: { placedAnnotations: [{ place: 'manifest', platform: 'linux/s390x', name: 'k', value: 'v' }] },
      message: 'cannot annotate the image for "linux/s390x": it is not built',
    },
  ])('refuses $name', async ({ given, message }) => {
    await expect(built([requestOf(COPY, given)])).rejects.toMatchObject({ code: 'USAGE', message });
  });

  test('a failure of one is the failure of all, and nothing gets a name', async () => {
    const requests = [requestOf(COPY, { tags: ['first'] }), requestOf('FROM scratch\nCOPY missing /\n')];
    await expect(built(requests)).rejects.toMatchObject({ code: 'COPY_FAILED' });
    expect(await store.images.list()).toEqual([]);
  });

  test('a build can start from the result of one before it, and copy from it, without a name between them', async () => {
    const base = requestOf(`${COPY}ENV A=b\nCMD ["x"]\n`, {
      called: 'base',
      wanted: [],
      contextDirectory: join(folder, 'two'),
    });
    const link = { name: 'from', source: { kind: 'build', called: 'base' } } as const;
    const next = requestOf('FROM from\nCOPY file /own\n', { called: 'next', namedContexts: [link], tags: ['next'] });
    const copy = requestOf('FROM scratch\nCOPY --from=from file /\n', { called: 'copy', namedContexts: [link] });
    const { results, events } = await built([base, next, copy]);
    expect(results.map(({ stored }) => stored)).toEqual([false, true, true]);
    expect(done(events).filter((label) => label.startsWith('[base'))).toHaveLength(1);
    expect(done(events)).toContain('[next 1/1] COPY file /own');
    const image = (await store.images.list()).find(({ name }) => name?.repository === 'library/next');
    if (image === undefined) throw new Error('the image has its name');
    const { value } = await store.images.config(await store.images.manifest(image.descriptor));
    expect(value.config.Env).toContain('A=b');
    expect(value.config.Cmd).toEqual(['x']);
    expect(value.rootfs.diff_ids).toHaveLength(2);
    expect(value.history?.filter(({ empty_layer: empty }) => empty !== true)).toHaveLength(2);
  });

  test('a build that uses one which is not before it is refused', async () => {
    const link = { name: 'from', source: { kind: 'build', called: 'later' } } as const;
    const early = requestOf('FROM from\n', { called: 'early', namedContexts: [link] });
    const failed = built([early, requestOf(COPY, { called: 'later' })]);
    await expect(failed).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
