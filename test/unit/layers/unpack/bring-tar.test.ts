import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContentDigester } from '../../../../src/layers/compression/content-digester.js';
import { LayerTars } from '../../../../src/layers/snapshots/layer-tars.js';
import { bringTar, type BroughtTar } from '../../../../src/layers/unpack/bring-tar.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { Layer } from '../../../../src/oci/layer.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { loadArchive } from '../../../../src/registry/archive/read/load-archive.js';
import { layout } from '../../../../src/store/layout.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { classicMembers, tarOf } from '../../../support/archive-builder.js';
import { streamOf } from '../../../support/byte-source.js';
import { file, layerTar } from '../../../support/layer-entries.js';

let root: string;
let store: OpenStore;
let opened: number;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'bring-tar-'));
  store = await openStore(root);
  opened = 0;
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const noThreads: ContentDigester = {
  digest: () => Promise.reject(new Error('a small layer needs no thread')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

async function bring(layer: Layer): Promise<BroughtTar | undefined> {
  const directory = join(root, 'snapshots');
  return await bringTar(layer, {
    tars: new LayerTars({ directory, temporaryDirectory: join(root, 'tmp'), roots: [root] }),
    indexes: store.layerIndexes,
    blobs: {
      open: async (blob) => {
        opened += 1;
        return await store.blobs.open(blob);
      },
    },
    digester: noThreads,
    onBytes: () => undefined,
    signal: new AbortController().signal,
  });
}

async function stored(tar: Buffer, bytes = tar): Promise<Layer> {
  const { digest, size } = await store.blobs.ingest(streamOf([bytes]));
  return { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size }, diffId: digestOf(tar) };
}

describe('bringTar()', () => {
  test('inflates a compressed layer once', async () => {
    const tar = await layerTar(file('a', 'content'));
    const layer = await stored(tar, gzipSync(tar));
    expect((await bring(layer))?.isNew).toBe(true);
    expect((await bring(layer))?.isNew).toBe(false);
    expect(opened).toBe(1);
  });

  test('reads a blob that is a tar once, and again when somebody has written to it', async () => {
    const layer = await stored(await layerTar(file('a', 'content')));
    const path = layout.blob(root, layer.diffId);
    await bring(layer);
    expect((await bring(layer))?.isNew).toBe(false);
    expect(opened).toBe(1);
    const { atimeMs, mtimeMs } = statSync(path);
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000 + 1);
    expect((await bring(layer))?.index.tarSize).toBe(layer.descriptor.size);
    expect(opened).toBe(2);
    await bring(layer);
    expect(opened).toBe(2);
    writeFileSync(path, 'x', { flag: 'r+' });
    await expect(bring(layer)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('does not read one again that an archive was just loaded with', async () => {
    const tar = await layerTar(file('large', 'x'.repeat(600_000)));
    const source = streamOf([await tarOf(classicMembers([{ tar }], ['x:1']))]);
    await loadArchive({ source, store });
    const diffId = digestOf(tar);
    const layer = { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest: diffId, size: tar.length }, diffId };
    expect((await bring(layer))?.index.tarSize).toBe(tar.length);
    expect(opened).toBe(0);
  });

  test('believes no blob that was in the store before the archive was', async () => {
    const tar = await layerTar(file('large', 'x'.repeat(600_000)));
    const layer = await stored(tar);
    const path = layout.blob(root, layer.diffId);
    writeFileSync(path, 'damaged', { flag: 'r+' });
    await loadArchive({ source: streamOf([await tarOf(classicMembers([{ tar }], ['x:1']))]), store });
    await expect(bring(layer)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});
