import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LayerIndexBuilder } from '../../../../src/layers/index/layer-index-builder.js';
import { MAX_KEPT, type IndexedFile } from '../../../../src/layers/index/layer-index.js';
import { entryOf, readLayerIndex } from '../../../../src/layers/index/read-layer-index.js';
import { TarReadingIndexer } from '../../../../src/layers/index/tar-indexer.js';
import type { TarEntry } from '../../../../src/layers/tar-entry.js';
import { TarParser } from '../../../../src/layers/tar/tar-parser.js';
import { writeTar } from '../../../../src/layers/tar/write-tar.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { bytesOfText, type ByteString } from '../../../../src/support/byte-string.js';
import { collectBytes, streamOf } from '../../../support/byte-source.js';
import { indexOf } from '../../../support/indexed-tree.js';
import {
  device,
  directory,
  fifo,
  file,
  hardlink,
  layerTar,
  opaque,
  symlink,
  whiteout,
} from '../../../support/layer-entries.js';

const DIFF_ID = digestOf('layer');
const CHANGES = [
  directory('', { mode: 0o711 }),
  directory('etc'),
  file('etc/passwd', 'root:x:0:0::/root:/bin/sh\n', { mtime: { seconds: -8, nanoseconds: 999_999_999 } }),
  file('etc/other', 'other', { xattrs: new Map([[bytesOfText('user.a'), Buffer.from([0, 10, 255])]]) }),
  file(`${'n'.repeat(200)}/${'m'.repeat(255)}`, 'x'.repeat(100_000), { uid: 4_294_967_294, gid: 77, mode: 0o6755 }),
  symlink('etc/link', '/other'),
  hardlink('etc/second', 'etc/other'),
  device('null', 1, 300),
  fifo('pipe', { mtime: { seconds: 2 ** 40, nanoseconds: 1 } }),
  whiteout('etc/gone'),
  opaque('etc'),
  file('empty'),
];

function entriesIn(tar: Buffer): readonly TarEntry[] {
  const parser = new TarParser();
  return [...parser.push(tar)].flatMap((event) => (event.kind === 'entry' ? [event.entry] : []));
}

const named = (files: Iterable<IndexedFile>, path: string): IndexedFile => {
  const found = [...files].find((each) => entryOf(each).path === bytesOfText(path));
  if (found === undefined) throw new Error(`no ${path}`);
  return found;
};

describe('the index of a layer', () => {
  test('has every entry of the tar, in its order, without loss', async () => {
    const tar = await layerTar(...CHANGES);
    const index = indexOf(tar);
    expect([...index.files()].map(entryOf)).toEqual(entriesIn(tar));
    expect(index).toMatchObject({ diffId: digestOf(tar), tarSize: tar.length, count: CHANGES.length });
  });

  test.each([1, 511, 512, 700, 1 << 20])('says where contents are, read in chunks of %s bytes', async (size) => {
    const tar = await layerTar(...CHANGES);
    for (const each of indexOf(tar, size).files()) {
      const change = CHANGES.find((one) => one.kind === 'upsert' && one.entry.path === entryOf(each).path);
      if (each.size === 0 || change?.kind !== 'upsert') continue;
      const [content] = [...((change.open?.() ?? []) as Iterable<Uint8Array>)];
      expect(tar.subarray(each.offset, each.offset + each.size).equals(content ?? Buffer.alloc(0))).toBe(true);
    }
  });

  test('is the same whether the tar is written or read', async () => {
    const builder = new LayerIndexBuilder();
    const tar = await collectBytes(writeTar(streamOf(CHANGES), builder));
    const indexer = new TarReadingIndexer();
    indexer.push(tar);
    const read = indexer.finish(DIFF_ID);
    expect(read).toBeDefined();
    expect(builder.finish({ diffId: DIFF_ID, tarSize: tar.length })).toEqual(read);
  });

  test('keeps the content of the few files that are looked owners up in', async () => {
    const long = 'x'.repeat(MAX_KEPT + 1);
    const files = [...indexOf(await layerTar(...CHANGES, file('etc/group', long)), 1 << 16).files()];
    expect(Buffer.from(named(files, 'etc/passwd').kept ?? []).toString()).toBe('root:x:0:0::/root:/bin/sh\n');
    expect(named(files, 'etc/group').kept).toBeUndefined();
    expect(files.filter(({ kept }) => kept !== undefined)).toHaveLength(1);
  });

  test('has where the parts of a sparse file belong', () => {
    const builder = new LayerIndexBuilder();
    const entry = { ...entryNamed('sparse'), size: 1 << 40 };
    const extents = [{ offset: 1 << 20, length: 3 }];
    builder.entry(entry, extents);
    builder.content(512, Buffer.from('abc'));
    builder.end();
    const bytes = builder.finish({ diffId: DIFF_ID, tarSize: 1024 });
    const [read] = [...(readLayerIndex(bytes ?? Buffer.alloc(0))?.files() ?? [])];
    expect(read).toMatchObject({ size: 1 << 40, offset: 512, extents });
  });

  test('is none of a layer with too much in it, however far it goes on', () => {
    for (const limits of [{ maxEntries: 100 }, { maxBytes: 2000 }]) {
      const builder = new LayerIndexBuilder(limits);
      for (let number = 0; number < 1000; number++) {
        builder.entry(entryNamed(`d/${number}`));
        builder.end();
      }
      expect(builder.finish({ diffId: DIFF_ID, tarSize: 1 })).toBeUndefined();
    }
  });

  test('is none of what is no tar', () => {
    const indexer = new TarReadingIndexer();
    indexer.push(Buffer.alloc(2048, 'x'));
    indexer.push(Buffer.alloc(2048, 'y'));
    expect(indexer.finish(DIFF_ID)).toBeUndefined();
  });

  test('is none of a tar that is cut off', async () => {
    const indexer = new TarReadingIndexer();
    indexer.push((await layerTar(...CHANGES)).subarray(0, 3000));
    expect(indexer.finish(DIFF_ID)).toBeUndefined();
  });

  test('of another version is passed over', async () => {
    const bytes = indexBytes(await layerTar(file('a')));
    bytes.write('2', bytes.indexOf('\n') - 1);
    expect(readLayerIndex(bytes)).toBeUndefined();
  });

  test('that is malformed is refused, wherever it is', async () => {
    const bytes = indexBytes(await layerTar(...CHANGES));
    const readAll = (damaged: Buffer): number => [...(readLayerIndex(damaged)?.files() ?? [])].length;
    fc.assert(
      fc.property(fc.integer({ min: 30, max: bytes.length - 1 }), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        for (const each of [damaged, bytes.subarray(0, at)]) {
          // Other values in the place of some are as good; nothing but that, and never an endless or a huge reading.
          try {
            expect(readAll(each)).toBeLessThan(bytes.length);
          } catch (error) {
            expect(error).toMatchObject({ code: 'LAYER_INVALID' });
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

function indexBytes(tar: Buffer): Buffer {
  const indexer = new TarReadingIndexer();
  indexer.push(tar);
  const bytes = indexer.finish(digestOf(tar));
  if (bytes === undefined) throw new Error('no index');
  return bytes;
}

function entryNamed(path: string): TarEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  const name = path as ByteString;
  return { path: name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime, xattrs: new Map() };
}
