import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReference } from '../../../src/oci/reference.js';
import { openStore } from '../../../src/store/open-store.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import type { Script } from '../../../src/testing/exchange.js';
import { layerTar, putSampleImage } from '../sample-images.js';
import { tsbuild } from '../tsbuild.js';
import type { Command } from './strace.js';

/** A folder with a store and what a command works on, copied for every run. */
export interface Place {
  /** Absolute. */
  readonly folder: string;
  readonly store: string;
  /** Where commands run, and write. */
  readonly work: string;
  readonly registry: ScriptedRegistry;
}

/** A command, what it needs, and what it makes: the same every time, whatever happened to earlier attempts. */
export interface Workload {
  readonly name: string;
  /** Whether it needs a sandbox, which an ordinary user's strace does not let it have: newuidmap(1) is a setuid program. */
  readonly needsSandbox?: boolean;
  readonly prepare: (place: Place) => Promise<void>;
  readonly args: (place: Place) => readonly string[];
  /** What its outcome can be known by. */
  readonly result: (place: Place) => Promise<string>;
  /** What may have been done already by an attempt that was broken off: then the command fails with this. */
  readonly doneSays?: string;
  /** The store is damaged until the command has succeeded. */
  readonly repairs?: boolean;
}

export function placeAt(folder: string, registry: ScriptedRegistry): Place {
  return { folder, store: join(folder, 'store'), work: join(folder, 'work'), registry };
}

export function copyPlace({ folder, registry }: Place, target: string): Place {
  execFileSync('cp', ['-a', '--reflink=auto', folder, target]);
  return placeAt(target, registry);
}

export function commandOf(workload: Workload, place: Place): Command {
  return { args: workload.args(place), env: environmentOf(place), cwd: place.work };
}

export function environmentOf({ store, folder }: Place): Readonly<Record<string, string>> {
  return { TSBUILD_STORE: store, HOME: folder, SOURCE_DATE_EPOCH: '1700000000' };
}

/** A registry with `app:1`, of two layers, and a folder with the store that the workload begins with. */
export async function preparePlace(folder: string, workload: Workload, script?: Script): Promise<Place> {
  const registry = await startScriptedRegistry(script);
  const place = placeAt(folder, registry);
  mkdirSync(place.work, { recursive: true });
  await workload.prepare(place);
  return place;
}

export async function putApp({ store, registry }: Place, name = `${registry.host}/app:1`): Promise<void> {
  using opened = await openStore(store);
  const layers = [
    { tar: await layerTar({ one: 'one', 'etc/file': 'file' }), compression: 'gzip' as const },
    { tar: await layerTar({ two: 'x'.repeat(100_000) }), compression: 'gzip' as const },
  ];
  await putSampleImage(opened, layers, name);
}

/** Runs what a test begins with. */
export async function must(place: Place, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await tsbuild(args, { env: environmentOf(place), cwd: place.work });
  if (exitCode !== 0) throw new Error(`tsbuild ${args.join(' ')}: ${stderr}`);
}

/** Fills the registry by way of another store. */
export async function pushApp(place: Place): Promise<void> {
  const elsewhere = { ...place, store: join(place.folder, 'elsewhere') };
  await putApp(elsewhere);
  await must(elsewhere, 'push', `${place.registry.host}/app:1`);
}

async function digestOfImage({ store }: Place, name: string): Promise<string> {
  using opened = await openStore(store);
  return String(
    (await opened.images.find({ ...parseReference(name), tag: parseReference(name).tag ?? 'latest' }))?.descriptor
      .digest,
  );
}

function digestOfFile(path: string): string {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'missing';
}

const pull: Workload = {
  name: 'pull',
  prepare: pushApp,
  args: ({ registry }) => ['pull', '-q', `${registry.host}/app:1`],
  result: async (place) => await digestOfImage(place, `${place.registry.host}/app:1`),
};

const push: Workload = {
  name: 'push',
  // An uncompressed layer, which is compressed, and kept so, on its way.
  prepare: async (place) => {
    using opened = await openStore(place.store);
    await putSampleImage(opened, [{ tar: await layerTar({ built: 'here' }) }], `${place.registry.host}/built:1`);
  },
  args: ({ registry }) => ['push', '-q', `${registry.host}/built:1`],
  result: ({ registry }) => Promise.resolve(digestOfBytes(registry.content.manifests.get('built:1')?.bytes)),
};

const build: Workload = {
  name: 'build',
  needsSandbox: true,
  prepare: async (place) => {
    await must(place, 'bootstrap', '-t', 'base');
    writeFileSync(join(place.work, 'file'), 'content');
    writeFileSync(join(place.work, 'Dockerfile'), 'FROM base\nCOPY file /file\nRUN echo made > /made\n');
  },
  args: () => ['build', '-q', '-t', 'made', '.'],
  result: async (place) => await digestOfImage(place, 'made'),
};

const save: Workload = {
  name: 'save',
  prepare: async (place) => await putApp(place, 'app'),
  args: () => ['save', '-q', 'app', '-o', 'app.tar'],
  result: ({ work }) => Promise.resolve(digestOfFile(join(work, 'app.tar'))),
};

const saveParts: Workload = {
  ...save,
  name: 'save in parts',
  args: () => ['save', '-q', 'app', '-o', 'app.tar', '--split', '4k', '--checksum'],
  result: ({ work }) =>
    Promise.resolve(['app.tar.001', 'app.tar.002', 'SHA256SUMS'].map((name) => digestOfFile(join(work, name))).join()),
};

const saveLayout: Workload = {
  ...save,
  name: 'save as a layout',
  args: () => ['save', '-q', 'app', '--format', 'oci-dir', '-o', 'layout'],
  result: ({ work }) => Promise.resolve(digestOfFile(join(work, 'layout/index.json'))),
};

const load: Workload = {
  name: 'load',
  prepare: async (place) => {
    const elsewhere = { ...place, store: join(place.folder, 'elsewhere') };
    await putApp(elsewhere, 'app');
    await must(elsewhere, 'save', '-q', 'app', '-o', 'app.tar');
  },
  args: () => ['load', '-q', '-i', 'app.tar'],
  result: async (place) => await digestOfImage(place, 'app'),
};

const tag: Workload = {
  name: 'tag',
  prepare: async (place) => await putApp(place, 'app'),
  args: () => ['tag', 'app', 'other'],
  result: async (place) => await digestOfImage(place, 'other'),
};

const remove: Workload = {
  name: 'rmi',
  prepare: async (place) => {
    await putApp(place, 'app');
    using opened = await openStore(place.store);
    await putSampleImage(opened, [{ tar: await layerTar({ kept: 'kept' }) }], 'kept');
  },
  args: () => ['rmi', 'app'],
  result: async (place) => `${await digestOfImage(place, 'app')} ${await digestOfImage(place, 'kept')}`,
  doneSays: 'IMAGE_NOT_FOUND',
};

/** Two images by one name, the first of which is left without; and what the build cache keeps of both. */
async function prepareUnneeded(place: Place): Promise<void> {
  await putApp(place, 'kept');
  writeFileSync(join(place.work, 'Dockerfile'), 'FROM scratch\nCOPY file /file\nCOPY file /again\n');
  for (const content of ['first', 'second']) {
    writeFileSync(join(place.work, 'file'), content);
    await must(place, 'build', '-q', '-t', 'made', '.');
  }
}

const prune: Workload = {
  name: 'prune',
  needsSandbox: true,
  prepare: prepareUnneeded,
  args: () => ['prune', '--force'],
  result: async (place) => await contentOf(place, 'made', 'kept'),
};

const pruneAll: Workload = {
  ...prune,
  name: 'prune everything',
  args: () => ['prune', '--force', '--all', '--cache-mounts'],
};

const repair: Workload = {
  name: 'fsck with repairs',
  prepare: async (place) => {
    await putApp(place, 'kept');
    {
      using opened = await openStore(place.store);
      await putSampleImage(opened, [{ tar: await layerTar({ plain: 'so it is the largest' }) }], 'app');
    }
    const [largest = ''] = blobsOf(place).filter((name) => statSync(join(place.store, name)).size > 1000);
    writeFileSync(join(place.store, largest), 'damaged');
  },
  repairs: true,
  args: () => ['fsck', '--repair', '--format', 'json'],
  result: async (place) => await contentOf(place, 'app', 'kept'),
};

const diskUsage: Workload = {
  name: 'df',
  needsSandbox: true,
  prepare: prepareUnneeded,
  args: () => ['df', '--verbose', '--format', 'json'],
  result: async (place) => await contentOf(place, 'made', 'kept'),
};

/** Which blobs a store has, and what it knows some names for. */
async function contentOf(place: Place, ...names: readonly string[]): Promise<string> {
  const digests: string[] = [];
  for (const name of names) digests.push(await digestOfImage(place, name));
  return [...digests, ...blobsOf(place)].join('\n');
}

function blobsOf({ store }: Place): readonly string[] {
  return readdirSync(join(store, 'blobs'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('blobs', name))
    .filter((name) => statSync(join(store, name)).isFile())
    .sort();
}

function digestOfBytes(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'missing' : createHash('sha256').update(bytes).digest('hex');
}

export const WORKLOADS: readonly Workload[] = [
  pull,
  push,
  build,
  save,
  saveParts,
  saveLayout,
  load,
  tag,
  remove,
  prune,
  pruneAll,
  repair,
  diskUsage,
];
