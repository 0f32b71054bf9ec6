import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContentDigester } from '../../../../src/layers/compression/content-digester.js';
import { LayerTars } from '../../../../src/layers/snapshots/layer-tars.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { loadArchive } from '../../../../src/registry/archive/read/load-archive.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { ociMembers, tarOf } from '../../../support/archive-builder.js';
import { streamOf } from '../../../support/byte-source.js';
import { layerTar, type SampleLayer } from '../../../support/sample-images.js';

let root: string;
let store: OpenStore;
let tars: LayerTars;
let layer: SampleLayer;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tar-keeping-'));
  store = await openStore(root);
  tars = new LayerTars({ directory: join(root, 'snapshots'), temporaryDirectory: join(root, 'tmp'), roots: [root] });
  layer = { tar: await layerTar({ large: randomBytes(5 << 20) }), compression: 'gzip' };
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

/** Does in this thread what the real one does in others. */
const digester: ContentDigester = {
  digest: ({ path, copy }) => {
    const content = gunzipSync(readFileSync(path));
    if (copy !== undefined) writeFileSync(copy, content);
    return Promise.resolve({ digest: digestOf(content), size: content.length });
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const withoutRoom: ContentDigester = {
  ...digester,
  digest: async (file) => {
    const content = await digester.digest(file);
    if (file.copy === undefined) return content;
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  },
};

async function load(layers: readonly SampleLayer[], by = digester): Promise<void> {
  const source = streamOf([await tarOf(ociMembers(layers).members)]);
  const keeping = { begin: () => Promise.resolve(tars.create()) };
  await loadArchive({ source, store, digester: by, tars: keeping });
}
const unfinished = (): readonly string[] =>
  readdirSync(join(root, 'tmp')).filter((name) => name.startsWith('snapshot'));

describe('loadArchive() with a place for tars', () => {
  test('keeps the tar of a compressed layer', async () => {
    await load([layer]);
    const tar = tars.find(digestOf(layer.tar), layer.tar.length);
    expect(readFileSync(tar ?? '').equals(layer.tar)).toBe(true);
    expect(unfinished()).toEqual([]);
  });

  test('keeps none of an archive that is refused', async () => {
    const lying = { tar: await layerTar({ small: 'x' }), diffId: digestOf('something else') };
    await expect(load([layer, lying])).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await tars.list()).toEqual([]);
    expect(unfinished()).toEqual([]);
  });

  test('loads also where there is no room for it', async () => {
    await load([layer], withoutRoom);
    expect(await tars.list()).toEqual([]);
    expect(unfinished()).toEqual([]);
    expect(await store.images.list()).toHaveLength(1);
  });
});
