import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadArchive, type LoadedImage } from '../../src/registry/archive/read/load-archive.js';
import { saveArchive } from '../../src/registry/archive/write/save-archive.js';
import { indexEntries } from '../../src/registry/archive/write/archive-documents.js';
import { readContent } from '../../src/registry/copy/image-content.js';
import { writeLayout } from '../../src/registry/copy/oci-layout.js';
import { storeSource } from '../../src/registry/copy/store-content.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { requirement } from '../support/require.js';
import { layerTar, putSampleImage, type SampleImage, type SampleLayer } from '../support/sample-images.js';
import { hasTools } from '../support/tools.js';

const execute = promisify(execFile);
const NAME = 'docker.io/library/sample:1.0';

async function run(program: string, ...args: readonly string[]): Promise<string> {
  return (await execute(program, args, { maxBuffer: 1 << 24 })).stdout;
}

async function dockerAnswers(): Promise<boolean> {
  try {
    await execute('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5000 });
    return true;
  } catch {
    return false;
  }
}

let folder: string;
let store: OpenStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archive-peers-'));
  store = await openStore(join(folder, 'store'));
});
afterEach(async () => {
  store[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);

async function sampleLayers(): Promise<readonly SampleLayer[]> {
  const base = await layerTar({ 'etc/base': 'base', 'bin/big': Buffer.alloc(700_000, 'b') });
  const hello = await layerTar({ hello: `made for this test ${folder}` });
  return [{ tar: base, compression: 'gzip' }, { tar: hello }, { tar: base, compression: 'gzip' }];
}

async function sample(): Promise<SampleImage> {
  return await putSampleImage(store, await sampleLayers(), NAME);
}

async function save({ image }: SampleImage, names: readonly string[] = [NAME]): Promise<string> {
  const file = path('saved.tar');
  await pipeline(saveArchive({ images: [{ image, names }], store }), createWriteStream(file));
  return file;
}

/** Into a store of its own, which has nothing that could stand in for what is missing. */
async function load(file: string): Promise<readonly LoadedImage[]> {
  const empty = await openStore(await mkdtemp(join(folder, 'loaded-')));
  try {
    return await loadArchive({ source: createReadStream(file), store: empty });
  } finally {
    empty[Symbol.dispose]();
  }
}

const titled = (title: string, { skip, reason }: ReturnType<typeof requirement>): string =>
  skip ? `${title} (${reason})` : title;

const skopeo = requirement('skopeo', hasTools('skopeo'), 'skopeo is not installed');
describe.skipIf(skopeo.skip)(titled('with skopeo', skopeo), () => {
  async function configDigest(source: string): Promise<string> {
    const manifest: unknown = JSON.parse(await run('skopeo', 'inspect', '--raw', source));
    return (manifest as { config: { digest: string } }).config.digest;
  }

  test('a saved archive is a docker-archive', async () => {
    const image = await sample();
    const source = `docker-archive:${await save(image)}:${NAME}`;
    expect(await configDigest(source)).toBe(image.imageId);
    // Copying reads every layer and compares it with the config's diffIds.
    await run('skopeo', 'copy', '--insecure-policy', source, `dir:${path('dir')}`);
  });

  test('a saved archive is an oci-archive', async () => {
    const image = await sample();
    const source = `oci-archive:${await save(image)}:1.0`;
    expect(await configDigest(source)).toBe(image.imageId);
    await run('skopeo', 'copy', '--insecure-policy', source, `oci:${path('copy')}:x`);
    expect(await configDigest(`oci:${path('copy')}:x`)).toBe(image.imageId);
  });

  test('the store itself is an OCI layout, its names in full', async () => {
    const image = await sample();
    const source = `oci:${store.root}:${NAME}`;
    expect(await configDigest(source)).toBe(image.imageId);
    await run('skopeo', 'copy', '--insecure-policy', source, `dir:${path('dir')}`);
  });

  test.each([
    ['docker-archive', `:${NAME}`],
    ['oci-archive', `:${NAME}`],
  ])('an image that skopeo writes to a %s is loaded as it is', async (transport, suffix) => {
    const image = await sample();
    const file = path(`${transport}.tar`);
    await run('skopeo', 'copy', '--insecure-policy', `oci:${store.root}:${NAME}`, `${transport}:${file}${suffix}`);
    const [loaded, ...others] = await load(file);
    expect(others).toEqual([]);
    expect(loaded?.imageId).toBe(image.imageId);
    expect(loaded?.name).toEqual({ registry: 'docker.io', repository: 'library/sample', tag: '1.0' });
  });

  test('what skopeo puts into the store is kept, and is an image without a name when its name is not full', async () => {
    const image = await sample();
    const file = await save(image);
    await run('skopeo', 'copy', '--insecure-policy', `oci-archive:${file}:1.0`, `oci:${store.root}:mine`);
    const second = await putSampleImage(store, [{ tar: await layerTar({ other: 'x' }) }], 'docker.io/library/other:2');
    const digests = (await store.images.list()).map(({ name, descriptor }) => [name?.tag ?? null, descriptor.digest]);
    expect(digests).toContainEqual([null, image.image.descriptor.digest]);
    expect(digests).toContainEqual(['2', second.image.descriptor.digest]);
    expect(await configDigest(`oci:${store.root}:mine`)).toBe(image.imageId);
  });
});

describe.skipIf(skopeo.skip)(titled('layouts, with skopeo', skopeo), () => {
  test('what is written into a folder of skopeo’s is found beside its own, in OCI’s media types', async () => {
    const image = await sample();
    await run('skopeo', 'copy', '--insecure-policy', `oci:${store.root}:${NAME}`, `oci:${path('layout')}:theirs`);
    const content = await readContent(image.image.descriptor, { name: NAME, source: storeSource(store) });
    const entries = indexEntries({ root: content.root, platform: undefined, names: [], ref: 'ours' });
    await writeLayout(path('layout'), { blobs: content.blobs, contents: [content], entries });
    for (const name of ['theirs', 'ours']) {
      await run('skopeo', 'copy', '--insecure-policy', `oci:${path('layout')}:${name}`, `dir:${path(`dir-${name}`)}`);
    }
  });
});

const umoci = requirement('umoci', hasTools('umoci'), 'umoci is not installed');
describe.skipIf(umoci.skip)(titled('with umoci', umoci), () => {
  test('an image in the store can be looked at', async () => {
    await sample();
    const { history } = JSON.parse(await run('umoci', 'stat', '--json', '--image', `${store.root}:${NAME}`)) as {
      history: readonly { layer: { digest: string } }[];
    };
    expect(history.map(({ layer }) => layer.digest)).toHaveLength(3);
  });
});

const docker = requirement('docker', hasTools('docker') && (await dockerAnswers()), 'no daemon answers at DOCKER_HOST');
describe.skipIf(docker.skip)(titled('with docker', docker), () => {
  const named = 'docker.io/library/tsbuild-archive-test:1';

  test('docker load takes a saved archive, and what docker saves is loaded as it is', async () => {
    const image = await sample();
    const file = await save(image, [named]);
    try {
      expect(await run('docker', 'load', '-i', file)).toContain('tsbuild-archive-test:1');
      const layers: unknown = JSON.parse(
        await run('docker', 'image', 'inspect', '-f', '{{json .RootFS.Layers}}', named),
      );
      const manifest = await store.images.manifest(image.image.descriptor);
      expect(layers).toEqual((await store.images.config(manifest)).value.rootfs.diff_ids);
      const saved = path('docker.tar');
      await run('docker', 'save', '-o', saved, named);
      const [loaded] = await load(saved);
      expect(loaded?.imageId).toBe(image.imageId);
      expect(loaded?.name).toMatchObject({ repository: 'library/tsbuild-archive-test', tag: '1' });
    } finally {
      await run('docker', 'image', 'rm', '-f', named).catch(() => undefined);
    }
  });

  test('docker load takes an archive that was saved without the layers it has', async () => {
    const newer = 'docker.io/library/tsbuild-archive-test:2';
    const image = await sample();
    const next = await putSampleImage(
      store,
      [...(await sampleLayers()), { tar: await layerTar({ next: folder }) }],
      newer,
    );
    try {
      await run('docker', 'load', '-i', await save(image, [named]));
      const digests = new Set(image.layers.map(({ digest }) => digest));
      const partial = saveArchive({
        images: [{ image: next.image, names: [newer] }],
        store,
        since: { digests, names: [named] },
      });
      await pipeline(partial, createWriteStream(path('partial.tar')));
      expect(await run('docker', 'load', '-i', path('partial.tar'))).toContain('tsbuild-archive-test:2');
      expect((await run('docker', 'image', 'inspect', '-f', '{{.Id}}', newer)).trim()).toBe(next.imageId);
    } finally {
      await run('docker', 'image', 'rm', '-f', named, newer).catch(() => undefined);
    }
  });
});

const podman = requirement(
  'podman',
  hasTools('podman') && process.getuid?.() === 0,
  'podman is not installed, or this is not root',
);
describe.skipIf(podman.skip)(titled('with podman', podman), () => {
  const inPodman = async (...words: readonly string[]): Promise<string> =>
    await run('podman', '--root', path('pod'), '--runroot', path('podr'), '--storage-driver', 'vfs', ...words);

  test.each(['docker-archive', 'oci-archive'] as const)(
    'podman load takes a saved %s, and its own is loaded',
    async (format) => {
      const image = await sample();
      const file = path('saved.tar');
      await pipeline(
        saveArchive({ images: [{ image: image.image, names: [NAME] }], store, format }),
        createWriteStream(file),
      );
      expect(await inPodman('load', '-i', file)).toContain(NAME);
      expect((await inPodman('image', 'inspect', '-f', '{{.Id}}', NAME)).trim()).toBe(
        image.imageId.slice('sha256:'.length),
      );
      await inPodman('save', '--format', format, '-o', path('podman.tar'), NAME);
      const [loaded] = await load(path('podman.tar'));
      expect(loaded).toMatchObject({ imageId: image.imageId, name: { repository: 'library/sample', tag: '1.0' } });
    },
  );
});
