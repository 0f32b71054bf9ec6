import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ContentElsewhereError } from '../../../../src/layers/index/content-elsewhere.js';
import { LayerContent } from '../../../../src/layers/index/layer-content.js';
import type { IndexedFile, LayerIndex } from '../../../../src/layers/index/layer-index.js';
import { layerNodes } from '../../../../src/layers/index/layer-nodes.js';
import { NodesTree } from '../../../../src/layers/index/nodes-tree.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { Layer } from '../../../../src/oci/layer.js';
import type { ByteString } from '../../../../src/support/byte-string.js';
import { indexedTree, indexOf } from '../../../support/indexed-tree.js';
import { file, layerTar, whiteout } from '../../../support/layer-entries.js';

// What it shows is held to what unpacking does in test/contract/layer-rules.test.ts and layer-trees.test.ts.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nodes-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const b = (text: string): ByteString => text as ByteString;
const layer = { descriptor: { digest: digestOf('blob'), size: 1 }, diffId: digestOf('x') } as unknown as Layer;
const elsewhere = (): LayerContent => new LayerContent({ layer, tarSize: 1 }, undefined);

test.each(['none', 'none/x', 'f/x', 'f/x/y', 'gone', 'gone/x'])('has no file %s', async (name) => {
  const tree = indexedTree([await layerTar(file('f'), file('gone')), await layerTar(whiteout('gone'))], folder);
  expect(tree.lstat(b(name))).toBeUndefined();
  expect(tree.list(b(name))).toEqual([]);
  expect([...tree.xattrs(b(name))]).toEqual([]);
});

test('reads what an index keeps, and says when content is elsewhere', async () => {
  const index = indexOf(await layerTar(file('etc/passwd', 'root'), file('other', 'x'), file('empty')));
  const below = new NodesTree([]);
  const tree = below.with(layerNodes({ index, content: elsewhere(), below, number: 0 }));
  expect(Buffer.concat([...tree.read(b('etc/passwd'))]).toString()).toBe('root');
  expect([...tree.read(b('empty'))]).toEqual([]);
  expect(() => [...tree.read(b('other'))]).toThrow(ContentElsewhereError);
});

test('says so when the tar is gone', async () => {
  const tar = await layerTar(file('a', 'x'));
  const content = new LayerContent({ layer, tarSize: tar.length }, join(folder, 'gone'));
  const below = new NodesTree([]);
  const tree = below.with(layerNodes({ index: indexOf(tar), content, below, number: 0 }));
  expect(() => [...tree.read(b('a'))]).toThrow(ContentElsewhereError);
});

test('gives up on directories that would fill the memory', () => {
  let read = 0;
  function* files(): Generator<IndexedFile> {
    const [file] = [...EMPTY_FILE.files()];
    if (file === undefined) return;
    for (; ; read++) yield { ...file, parent: b(`${read}${'/d'.repeat(1500)}`) };
  }
  const index = { ...EMPTY_FILE, files };
  const below = new NodesTree([]);
  const options = { index, content: elsewhere(), below, number: 0, maxDirectoryBytes: 4 << 20 };
  expect(() => layerNodes(options)).toThrow(ContentElsewhereError);
  expect(read).toBeLessThan(20);
});

let EMPTY_FILE: LayerIndex;
beforeEach(async () => {
  EMPTY_FILE = indexOf(await layerTar(file('a')));
});
