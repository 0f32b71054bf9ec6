import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Vertex, VertexId } from '../../../../src/builder/graph.js';
import type { CopyOperation, Operation } from '../../../../src/builder/operation.js';
import { executeCopy } from '../../../../src/builder/operations/copy/copy-operation.js';
import { copyKeys } from '../../../../src/builder/operations/copy/copy-keys.js';
import { LayerTrees } from '../../../../src/layers/index/layer-trees.js';
import type { OperationParts, Workshop } from '../../../../src/builder/operations/operation-parts.js';
import type { FileSystemResult, Result, ResultLayer } from '../../../../src/builder/operations/result.js';
import { executeWorkdir } from '../../../../src/builder/operations/workdir-operation.js';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { createDirectoryTree } from '../../../../src/layers/directory-tree.js';
import { createOverlaySnapshotter } from '../../../../src/layers/overlay-snapshotter.js';
import type { Change } from '../../../../src/layers/change.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { directory, file, hardlink, layerTar, symlink, whiteout } from '../../../support/layer-entries.js';
import { compress, ingestBytes, type Compression } from '../../../support/sample-images.js';

// The same steps over root file systems that are unpacked, and over such as are only indexed: the same layers.

let root: string;
let store: OpenStore;
let events: ProgressEvent[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'unpack-nothing-'));
  store = await openStore(join(root, 'store'));
  mkdirSync(join(root, 'context'));
  events = [];
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const isRoot = process.getuid?.() === 0;
const kinds = ['unpacked', 'indexed'] as const;
type Kind = (typeof kinds)[number];

/** Steps of one build: `unpacked` has a RUN to come upon everything. */
function partsOf(kind: Kind, more: Partial<OperationParts> = {}): OperationParts {
  const directoryOf = (name: string): string => join(root, kind, name);
  mkdirSync(directoryOf('tmp'), { recursive: true });
  const snapshotter = createOverlaySnapshotter({
    directory: directoryOf('snapshots'),
    temporaryDirectory: directoryOf('tmp'),
    ownership: isRoot ? 'real' : 'recorded',
    userxattr: !isRoot,
  });
  const workshop = {
    snapshotter,
    temporaryDirectory: directoryOf('tmp'),
    claimUnpacking: () => Promise.resolve({ [Symbol.dispose]: () => undefined }),
  } as unknown as Workshop;
  const layerTrees = new LayerTrees({ store, temporaryDirectory: directoryOf('tmp') });
  return {
    store,
    workshop: () => Promise.resolve(workshop),
    layerTrees: () => Promise.resolve(layerTrees),
    fetchLayers: () => Promise.resolve(),
    isRunUpon: () => kind === 'unpacked',
    sourceDateEpoch: 5000,
    now: () => 0,
    ...more,
  } as unknown as OperationParts;
}

function snapshots(kind: Kind): number {
  const folder = join(root, kind, 'snapshots');
  try {
    return readdirSync(folder, { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(String(name))).length;
  } catch {
    return 0;
  }
}

async function layerOf(changes: readonly Change[], compression: Compression = 'gzip'): Promise<ResultLayer> {
  const tar = await layerTar(...changes);
  const blob = await ingestBytes(store.blobs, compress(tar, compression));
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip' as const;
  return { descriptor: { mediaType, ...blob }, diffId: digestOf(tar), created: null };
}

const PASSWD = 'root:x:0:0::/root:/bin/sh\nsome:x:7:8::/:/bin/sh\n';
async function base(compression?: Compression): Promise<FileSystemResult> {
  const first = [
    directory('etc', { mode: 0o711 }),
    file('etc/passwd', PASSWD),
    file('etc/group', 'root:x:0:\nothers:x:9:\n'),
    directory('usr/lib', { uid: 3 }),
    file('usr/lib/a', 'content of a', { mode: 0o4755, uid: 5 }),
    hardlink('usr/lib/b', 'usr/lib/a'),
    file('usr/lib/gone', 'gone'),
    symlink('lib', 'usr/lib'),
  ];
  const second = [file('lib/c', 'content of c'.repeat(1000)), whiteout('usr/lib/gone')];
  return { kind: 'file-system', layers: [await layerOf(first, compression), await layerOf(second, compression)] };
}

const id = (name: string): VertexId => digestOf(name) as VertexId;
const vertexOf = (operation: Operation, inputs = 2): Vertex<Operation> => {
  return { id: id('v'), operation, inputs: ['root', 'from'].slice(0, inputs).map(id), label: 'v' };
};
const context = () => ({
  signal: new AbortController().signal,
  progress: (event: ProgressEvent) => events.push(event),
  stopOthers: () => Promise.resolve(),
});

function copyOf(pattern: string, more: Partial<CopyOperation> = {}): CopyOperation {
  const sources = [{ kind: 'path', input: 1, pattern } as const];
  return { kind: 'copy', keyword: 'COPY', fromContext: false, sources, destination: '/lib/new/', ...more };
}

type Inputs = readonly [FileSystemResult, Result];

async function copied(parts: OperationParts, operation: CopyOperation, inputs: Inputs): Promise<ResultLayer> {
  const step = { vertex: vertexOf(operation), operation, root: inputs[0], inputs };
  const { layers } = await executeCopy(parts, step, context());
  return layers.at(-1) ?? expect.fail('a copy makes a layer');
}

const fromContext = (): Result => {
  const tree = createDirectoryTree(join(root, 'context'));
  return { kind: 'tree', tree, description: 'the build context', ignored: () => false };
};

/** Of each way, what it made, and how many layers it unpacked. */
async function bothWays(make: (parts: OperationParts) => Promise<Digest>): Promise<readonly [Digest, number][]> {
  const made: [Digest, number][] = [];
  for (const kind of kinds) {
    for (const { diffId } of store.layerIndexes.list())
      if (kind === 'unpacked') await store.layerIndexes.delete(diffId);
    made.push([await make(partsOf(kind)), snapshots(kind)]);
  }
  return made;
}

describe('a step over a root file system that nothing runs upon', () => {
  test.each<[string, Partial<CopyOperation>]>([
    ['through a link', {}],
    ['to an owner of the image', { chown: 'some:others' }],
    ['over a file', { destination: '/usr/lib/a' }],
  ])('copies files of the context %s, and unpacks nothing', async (_, more) => {
    writeFileSync(join(root, 'context/file'), 'from the context');
    const inputs: Inputs = [await base(), fromContext()];
    const operation = copyOf('file', { fromContext: true, ...more });
    const [unpacked, indexed] = await bothWays(async (parts) => (await copied(parts, operation, inputs)).diffId);
    expect(unpacked?.[1]).toBe(2);
    expect(indexed).toEqual([unpacked?.[0], 0]);
  });

  test.each([
    ['/lib/deep/er', ''],
    ['/new', 'some:others'],
  ])('makes the directory %s for "%s", and unpacks nothing', async (path, user) => {
    const operation = { kind: 'workdir', path, user } as const;
    const image = await base();
    const [unpacked, indexed] = await bothWays(async (parts) => {
      const step = { vertex: vertexOf(operation, 1), operation, root: image };
      return (await executeWorkdir(parts, step, context())).layers.at(-1)?.diffId ?? digestOf('');
    });
    expect(indexed).toEqual([unpacked?.[0], 0]);
  });

  test.each<[string, Compression, string]>([
    ['a directory', 'gzip', 'usr'],
    ['a directory', 'none', 'usr'],
    ['a directory', 'zstd', 'usr'],
    ['files that a wildcard names', 'gzip', 'lib/*'],
    ['one file through a link', 'gzip', 'lib/a'],
    ['everything', 'gzip', ''],
  ])('copies %s out of %s layers, and unpacks nothing', async (_, compression, pattern) => {
    const inputs: Inputs = [{ kind: 'file-system', layers: [] }, await base(compression)];
    const [unpacked, indexed] = await bothWays(async (parts) => (await copied(parts, copyOf(pattern), inputs)).diffId);
    expect(unpacked?.[1]).toBe(2);
    expect(indexed).toEqual([unpacked?.[0], 0]);
  });

  test('is keyed by the same content', async () => {
    const inputs: Inputs = [{ kind: 'file-system', layers: [] }, await base()];
    const [unpacked, indexed] = await bothWays(async (parts) => {
      const operation = copyOf('usr');
      const step = { vertex: vertexOf(operation), operation, root: inputs[0], inputs };
      const keys: Digest[] = [];
      for await (const { key } of copyKeys(parts, step, context())) keys.push(key);
      expect(keys).toHaveLength(2);
      return keys.at(-1) ?? digestOf('');
    });
    expect(indexed).toEqual([unpacked?.[0], 0]);
  });

  test('unpacks after all when it has to compare content of a compressed layer', async () => {
    const { utimesSync, chmodSync } = await import('node:fs');
    writeFileSync(join(root, 'context/c'), 'content of c'.repeat(1000));
    utimesSync(join(root, 'context/c'), 1000, 1000);
    chmodSync(join(root, 'context/c'), 0o644);
    const inputs: Inputs = [await base(), fromContext()];
    const operation = copyOf('c', { fromContext: true, destination: '/usr/lib/c' });
    const [unpacked, indexed] = await bothWays(async (parts) => (await copied(parts, operation, inputs)).diffId);
    expect(indexed).toEqual([unpacked?.[0], 2]);
  });

  test('reads the indexes that steps before it wrote', async () => {
    writeFileSync(join(root, 'context/file'), 'x');
    const parts = partsOf('indexed');
    const image = await base();
    const operation = copyOf('file', { fromContext: true });
    const first = await copied(parts, operation, [image, fromContext()]);
    expect(store.layerIndexes.has(first.diffId)).toBe(true);
    events = [];
    const root2: FileSystemResult = { kind: 'file-system', layers: [...image.layers, first] };
    const again = copyOf('usr/lib/new/file', { destination: '/copy' });
    const second = await copied(parts, again, [root2, root2]);
    expect(events).toEqual([]);
    expect(readBlob(second.descriptor.digest)).toContain('copy\0');
  });

  test.each(['damaged', 'of another version', 'lost'])('makes an index again that is %s', async (what) => {
    const image = await base();
    const inputs: Inputs = [{ kind: 'file-system', layers: [] }, image];
    const operation = copyOf('usr');
    const first = await copied(partsOf('indexed'), operation, inputs);
    const { diffId, descriptor } = image.layers[0] ?? expect.fail();
    if (what === 'lost') await store.layerIndexes.delete(diffId);
    else if (what === 'damaged') writeFileSync(indexPath(diffId), readFileSync(indexPath(diffId)).subarray(0, -5));
    else
      await store.layerIndexes.save(diffId, { bytes: Buffer.from('tsbuild layer index 0\n'), blob: descriptor.digest });
    events = [];
    expect((await copied(partsOf('indexed'), operation, inputs)).diffId).toBe(first.diffId);
    expect(snapshots('indexed')).toBe(0);
    expect(events).toMatchObject([{ type: 'transfer', direction: 'index', item: descriptor.digest, done: true }]);
  });

  test('has only those layers fetched that have no index', async () => {
    const image = await base();
    const inputs: Inputs = [image, fromContext()];
    writeFileSync(join(root, 'context/file'), 'x');
    const fetched: Digest[] = [];
    const fetchLayers: OperationParts['fetchLayers'] = (layers) => {
      fetched.push(...layers.map(({ diffId }) => diffId));
      return Promise.resolve();
    };
    const operation = copyOf('file', { fromContext: true });
    await copied(partsOf('indexed', { fetchLayers }), operation, inputs);
    expect(fetched).toEqual(image.layers.map(({ diffId }) => diffId));
    fetched.length = 0;
    await store.layerIndexes.delete(image.layers[1]?.diffId ?? expect.fail());
    await copied(partsOf('indexed', { fetchLayers }), operation, inputs);
    expect(fetched).toEqual([image.layers[1]?.diffId]);
  });

  test('leaves it to unpacking to say what is wrong with a layer', async () => {
    const tar = await layerTar(file('a'));
    const blob = await ingestBytes(store.blobs, gzipSync(tar));
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip' as const;
    const lying = { descriptor: { mediaType, ...blob }, diffId: digestOf('another'), created: null };
    const inputs: Inputs = [
      { kind: 'file-system', layers: [] },
      { kind: 'file-system', layers: [lying] },
    ];
    await expect(copied(partsOf('indexed'), copyOf('a'), inputs)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining('cannot unpack layer') as string,
    });
    expect(store.layerIndexes.list()).toEqual([]);
  });
});

function indexPath(diffId: Digest): string {
  return join(root, 'store/layer-indexes', diffId.replace(':', '-'));
}

function readBlob(digest: Digest): string {
  return readFileSync(join(root, 'store/blobs', digest.replace(':', '/')), 'latin1');
}
