import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { digestOf } from '../../src/oci/digest.js';
import type { Toolchain } from '../../src/toolchain/toolchain-types.js';
import { json, tarOf, type Members } from '../support/archive-builder.js';
import { directory, file, layerTar, symlink } from '../support/layer-entries.js';
import { readArchive } from './read-image.js';

const PROGRAMS = ['install', 'sed', 'grep', 'find', 'xargs', 'tar', 'gzip', 'awk'] as const;
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
web:x:33:33:web:/srv/www:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
build:x:1001:50:build:/home/build:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
web:x:33:
staff:x:50:app,web
video:x:44:app
app:x:1000:
nogroup:x:65534:
`;

/** What every base has beside programs: users, links to folders, and files of every kind to copy onto. */
const SKELETON = [
  directory('data', { mode: 0o750, uid: 1000, gid: 1000 }),
  file('data/kept', 'kept\n', { mode: 0o640, uid: 1000, gid: 1000 }),
  directory('data/sub', { mode: 0o700, uid: 33, gid: 33 }),
  file('data/sub/deep', 'deep\n'),
  directory('etc'),
  file('etc/group', GROUP),
  file('etc/motd', 'welcome\n', { mode: 0o600 }),
  file('etc/passwd', PASSWD),
  directory('home'),
  directory('home/app', { mode: 0o700, uid: 1000, gid: 1000 }),
  directory('opt'),
  symlink('opt/absolute', '/opt/real'),
  symlink('opt/chain', 'relative'),
  symlink('opt/dangling', '/nowhere/at/all'),
  symlink('opt/file-link', 'real/file'),
  symlink('opt/outside', '../../../../etc'),
  directory('opt/real'),
  file('opt/real/file', 'real\n'),
  symlink('opt/relative', 'real'),
  directory('srv'),
  directory('srv/www', { uid: 33, gid: 33 }),
];

interface Base {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const BASES: readonly Base[] = [
  { name: 'conformance/base', config: { Env: [PATH], Cmd: ['/bin/sh'] } },
  {
    name: 'conformance/configured',
    config: {
      User: 'app',
      ExposedPorts: { '80/tcp': {} },
      Env: [PATH, 'BASE=from base', 'LANG=C'],
      Entrypoint: ['/entry'],
      Cmd: ['serve'],
      Healthcheck: { Test: ['CMD', 'true'], Interval: 5_000_000_000 },
      Volumes: { '/data': {} },
      WorkingDir: '/home/app',
      Labels: { base: 'yes', who: 'base' },
      StopSignal: 'SIGINT',
      Shell: ['/bin/sh', '-ec'],
    },
  },
  {
    name: 'conformance/onbuild',
    config: {
      Env: [PATH],
      OnBuild: ['ENV TRIGGERED=yes', 'COPY . /triggered/', 'RUN echo fired > /fired'],
    },
  },
];

export interface BaseImages {
  /** For `docker load`. */
  readonly archive: Uint8Array;
  readonly names: readonly string[];
  /** Of the layers that are not looked into. */
  readonly diffIds: ReadonlySet<string>;
}

/**
 * Makes the base images, and puts them into the toolchain's store. Their programs are this machine's, as `tsbuild bootstrap`
 * takes them; all else is the same everywhere, and no case shows the bytes of a program.
 */
export async function makeBaseImages(tools: Toolchain): Promise<BaseImages> {
  await tools.bootstrap({ tag: 'conformance/programs', include: PROGRAMS });
  const saved = await readArchive(await buffer(Readable.from(await tools.save(['conformance/programs']))));
  const programs = saved.layers[0];
  if (programs === undefined) throw new Error('the bootstrapped image has no layer');
  const layers = [programs, await layerTar(...SKELETON)];
  const diffIds = layers.map((layer) => digestOf(layer));
  const configs = BASES.map(({ config }) => configText(config, diffIds));
  const layerNames = diffIds.map((digest) => `${digest.slice('sha256:'.length)}/layer.tar`);
  const manifest = BASES.map(({ name }, index) => ({
    Config: configName(configs[index] ?? ''),
    RepoTags: [`${name}:latest`],
    Layers: layerNames,
  }));
  const members: Members = [
    ...layers.map((layer, index) => [layerNames[index] ?? '', layer] as const),
    ...configs.map((config) => [configName(config), config] as const),
    ['manifest.json', json(manifest)],
  ];
  const archive = await tarOf(members);
  await tools.load(Readable.from([archive]));
  return { archive, names: BASES.map(({ name }) => name), diffIds: new Set(diffIds) };
}

const configName = (config: string): string => `${digestOf(config).slice('sha256:'.length)}.json`;

function configText(config: object, diffIds: readonly string[]): string {
  return json({
    architecture: 'amd64',
    os: 'linux',
    created: '2001-09-09T01:46:40Z',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map((_, index) => ({ created: '2001-09-09T01:46:40Z', created_by: `base layer ${index}` })),
  });
}
