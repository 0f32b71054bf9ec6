import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decompress } from '../../src/layers/compression/decompress.js';
import { createDirectoryTree } from '../../src/layers/directory-tree.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import type { Snapshotter } from '../../src/layers/snapshotter.js';
import { openTarTree } from '../../src/layers/tar-tree.js';
import { digestOf } from '../../src/oci/digest.js';
import type { ChainId } from '../../src/oci/layer.js';
import { saveArchive } from '../../src/registry/archive/write/save-archive.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { bytesOfText } from '../../src/support/byte-string.js';
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
} from '../support/layer-entries.js';
import { listTree } from '../support/listing.js';
import { requirement } from '../support/require.js';
import { putSampleImage, type SampleLayer } from '../support/sample-images.js';
import { hasTools } from '../support/tools.js';

// The same layers, unpacked by others and by us: the same files, owners, modes, times, links, devices and attributes.

const execute = promisify(execFile);
const NAME = 'docker.io/library/fidelity:1.0';

async function answers(program: string, ...args: readonly string[]): Promise<boolean> {
  try {
    await execute(program, args, { timeout: 5000 });
    return true;
  } catch {
    return false;
  }
}

const root = requirement('root', process.getuid?.() === 0, 'only root gives files away and makes devices');
const umoci = requirement('umoci', hasTools('umoci'), 'umoci is not installed');
const docker = requirement(
  'docker',
  hasTools('docker') && (await answers('docker', 'version', '--format', '{{.Server.Version}}')),
  'no daemon answers at DOCKER_HOST',
);

const titled = (title: string, need: ReturnType<typeof requirement>): string =>
  [title, ...[need, root].flatMap(({ skip, reason }) => (skip ? [`(${reason})`] : []))].join(' ');

let folder: string;
let store: OpenStore;
let snapshotter: Snapshotter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layer-peers-'));
  store = await openStore(join(folder, 'store'));
  snapshotter = createOverlaySnapshotter({
    directory: join(folder, 'snapshots'),
    temporaryDirectory: join(folder, 'tmp'),
    ownership: 'real',
    userxattr: false,
  });
});
afterEach(async () => {
  store[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

const at = (seconds: number) => ({ mtime: { seconds, nanoseconds: 0 } });
const capability = new Map([
  [bytesOfText('security.capability'), Buffer.from('0100000200040000000000000000000000000000', 'hex')],
]);

/** Docker cannot link to a file of a lower layer, and takes times before 1970 for 1970. */
async function hardLayers({ forDocker }: { readonly forDocker: boolean }): Promise<readonly SampleLayer[]> {
  const long = `${'long'.repeat(40)}/${'n'.repeat(200)}`;
  // Also of its hard links: Docker gives the file what the last of them says.
  const setuid = { mode: 0o6755, uid: 70_000, gid: 3_000_000_000, ...at(forDocker ? 77 : -77) };
  const layers = [
    await layerTar(
      directory('', { mode: 0o755 }),
      directory('d', { mode: 0o1777, uid: 1, gid: 2, ...at(5) }),
      file('d/setuid', 'x', setuid),
      file('d/capable', 'x', { mode: 0o755, uid: 3, xattrs: capability }),
      symlink('d/link', `../${'t'.repeat(150)}`, at(9)),
      hardlink('d/same', 'd/setuid', setuid),
      hardlink('d/samelink', 'd/link', at(9)),
      fifo('d/fifo', { mode: 0o620, uid: 4 }),
      device('d/null', 1, 3, { mode: 0o666 }),
      directory('long'.repeat(40)),
      file(long, 'deep', at(4_000_000_000)),
      file('caf\u00e9', 'text'),
      directory('gone'),
      file('gone/f'),
      directory('opaque'),
      file('opaque/low'),
      directory('becomes'),
      file('becomes/inner'),
      file('becamedirectory'),
      directory('run', at(1)),
      symlink('var', '/run'),
    ),
    await layerTar(
      whiteout('gone'),
      whiteout('d/null'),
      directory('opaque', at(6)),
      opaque('opaque'),
      file('opaque/high', 'h'),
      file('becomes', 'a file', at(7)),
      directory('becamedirectory', at(8)),
      file('becamedirectory/f', 'in', at(8)),
      ...(forDocker ? [] : [hardlink('across', 'd/setuid', setuid)]),
      directory('d', { mode: 0o755, uid: 1, gid: 2, ...at(5) }),
      directory('run', at(1)),
    ),
  ];
  return layers.map((tar) => ({ tar, compression: 'gzip' }));
}

async function apply(parent: ChainId | null, tar: AsyncIterable<Uint8Array>, name: string): Promise<ChainId> {
  const id = digestOf(name) as ChainId;
  await using active = await snapshotter.prepare(parent);
  await active.apply(tar);
  await active.commit(id);
  return id;
}

async function unpackHere(layers: readonly SampleLayer[]): Promise<ChainId | null> {
  let id: ChainId | null = null;
  for (const [index, { tar }] of layers.entries()) {
    const bytes = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield await Promise.resolve(tar);
    };
    id = await apply(id, bytes(), `layer ${index}`);
  }
  return id;
}

const listed = async (id: ChainId | null): Promise<string[]> => listTree(await snapshotter.tree(id), { times: true });
const listedHost = (path: string): string[] => listTree(createDirectoryTree(path), { times: true });

describe.skipIf(umoci.skip || root.skip)(titled('with umoci', umoci), () => {
  test('an image is unpacked to the same files', { timeout: 60_000 }, async () => {
    const layers = await hardLayers({ forDocker: false });
    await putSampleImage(store, layers, NAME);
    await execute('umoci', ['unpack', '--image', `${store.root}:${NAME}`, join(folder, 'bundle')]);
    const ours = await listed(await unpackHere(layers));
    expect(ours.length).toBeGreaterThan(15);
    expect(ours).toEqual(listedHost(join(folder, 'bundle/rootfs')));
  });

  test('a layer that it makes of changes is unpacked to its files', { timeout: 60_000 }, async () => {
    const layers = await hardLayers({ forDocker: false });
    await putSampleImage(store, layers, NAME);
    const [image, bundle] = [`${store.root}:${NAME}`, join(folder, 'bundle')];
    await execute('umoci', ['unpack', '--image', image, bundle]);
    const rootfs = join(bundle, 'rootfs');
    const script = `
      rm -r opaque d/fifo; mkdir opaque; printf new > opaque/new; rm becomes; mkdir becomes; printf x >> d/setuid
      chmod 4711 d/capable; chown 9:9 becamedirectory; ln d/capable d/twice; ln -sfn elsewhere var; mkfifo p
      find . -newer d/link -exec touch -h -d @1234567890 {} +
    `;
    await execute('sh', ['-ec', script], { cwd: rootfs });
    await execute('umoci', ['repack', '--image', image, bundle]);
    const made = await lastLayer();
    const stacked = await apply(await unpackHere(layers), decompress(createReadStream(made)), 'repacked');
    expect(await listed(stacked)).toEqual(listedHost(rootfs));
  });
});

async function lastLayer(): Promise<string> {
  const index = JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8')) as Manifests;
  const blob = (digest: string): string => join(store.root, 'blobs', digest.replace(':', '/'));
  const tagged = index.manifests.find(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === NAME);
  const manifest = JSON.parse(await readFile(blob(tagged?.digest ?? ''), 'utf8')) as Layers;
  return blob(manifest.layers.at(-1)?.digest ?? '');
}
interface Manifests {
  readonly manifests: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[];
}
interface Layers {
  readonly layers: readonly { readonly digest: string }[];
}

describe.skipIf(docker.skip || root.skip)(titled('with Docker', docker), () => {
  test('an image is unpacked to the same files', { timeout: 120_000 }, async () => {
    const layers = await hardLayers({ forDocker: true });
    const { image } = await putSampleImage(store, layers, NAME);
    const [archive, exported] = [join(folder, 'saved.tar'), join(folder, 'exported.tar')];
    await pipeline(saveArchive({ images: [{ image, names: [NAME] }], store }), createWriteStream(archive));
    await execute('docker', ['load', '-i', archive]);
    const { stdout } = await execute('docker', ['create', NAME]);
    try {
      await execute('docker', ['export', '-o', exported, stdout.trim()]);
    } finally {
      await execute('docker', ['rm', stdout.trim()]);
      await execute('docker', ['rmi', NAME]);
    }
    const theirs = listTree(await openTarTree(exported), { times: true });
    // What Docker itself puts into a container, and the folders that this touches.
    const docked = /^(?:\.dockerenv|dev|etc|proc|sys)[ /]/;
    expect(theirs.filter((line) => !docked.test(line))).toEqual(await listed(await unpackHere(layers)));
  });
});
