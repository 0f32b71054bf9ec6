import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'vitest';
import { createCopySnapshotter } from '../../src/layers/copy-snapshotter.js';
import { createOverlaySnapshotter } from '../../src/layers/overlay-snapshotter.js';
import { LayerTars } from '../../src/layers/snapshots/layer-tars.js';
import type { ActiveSnapshot } from '../../src/layers/snapshotter.js';
import { trialMetadata, trialTar } from '../../src/sandbox/namespaces/trial-image.js';
import { imagingSnapshotter } from '../support/imaging-snapshotter.js';
import { requirement } from '../support/require.js';
import { snapshotterSuite } from './snapshotter.suite.js';

const isRoot = process.getuid?.() === 0;
const root = requirement('root', isRoot, 'only root gives files away');
const skipOwners = root.skip && root.reason;
const skipXattrs = spawnSync('setfattr', ['--version']).status === 0 ? false : 'needs the setfattr program';

const shell = (script: string, cwd: string): void => {
  execFileSync('sh', ['-c', `umask 022\n${script}`], { cwd, stdio: 'ignore' });
};

/** Mounts in a namespace of the child's own; as an ordinary user in a user namespace, with the marks that are allowed there. */
function editOverlay(active: ActiveSnapshot, script: string): void {
  if (active.root.kind !== 'overlay') throw new Error('no overlay');
  const { lowers, upper, work } = active.root;
  if (lowers.length === 0) {
    shell(script, upper);
    return;
  }
  const merged = mkdtempSync(path.join(tmpdir(), 'merged-'));
  const images = lowers.flatMap((lower) => (typeof lower === 'string' ? [] : [{ ...lower, at: mountPoint() }]));
  const points = lowers.map((lower) => (typeof lower === 'string' ? lower : placeOf(lower)));
  function placeOf(lower: Exclude<(typeof lowers)[number], string>): string {
    return images.find(({ metadata }) => metadata === lower.metadata)?.at ?? '';
  }
  const options = `lowerdir=${points.join(':')},upperdir=${upper},workdir=${work}${isRoot ? '' : ',userxattr'}`;
  const mountImages = images.map(({ metadata, tar, at }) => `perl -e '${MOUNT_IMAGE}' ${metadata} ${tar} ${at} && `);
  const commands = `${mountImages.join('')}mount -t overlay overlay -o "$1" "$2" && cd "$2" && umask 022 && ${'eval "$3"'}`;
  try {
    execFileSync('unshare', [...unshareOptions, 'sh', '-c', commands, 'sh', options, merged, script], {
      stdio: 'ignore',
    });
  } finally {
    for (const each of [merged, ...images.map(({ at }) => at)]) rmSync(each, { recursive: true });
  }
}
const mountPoint = (): string => mkdtempSync(path.join(tmpdir(), 'image-'));
/** mount(2), as mount(8) would make loop devices. */
const MOUNT_IMAGE = `($m, $t, $at) = @ARGV; ($type, $data) = ("erofs", "device=$t"); syscall(${process.arch === 'arm64' ? 40 : 165}, $m, $at, $type, 1, $data) == 0 or die $!`;
const unshareOptions = isRoot ? ['-m'] : ['-r', '-m'];

function canMountOverlays(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'probe-'));
  const probe = `cd "$1" && mkdir l u w m && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w${isRoot ? '' : ',userxattr'} m`;
  try {
    return spawnSync('unshare', [...unshareOptions, 'sh', '-c', probe, 'sh', folder]).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const overlay = requirement('overlay', canMountOverlays(), 'overlays cannot be mounted here');
const ownership = isRoot ? 'real' : 'recorded';

snapshotterSuite('overlay snapshotter', {
  create: (places) => createOverlaySnapshotter({ ...places, ownership, userxattr: !isRoot }),
  edit: editOverlay,
  edits: 'all',
  skipEdits: overlay.skip && overlay.reason,
  skipOwners,
  skipXattrs,
});

const images = requirement('erofs', canMountImages(), 'EROFS cannot be mounted from files here');

function canMountImages(): boolean {
  if (!isRoot) return false;
  const folder = mkdtempSync(path.join(tmpdir(), 'probe-'));
  try {
    const [metadata, tar] = [path.join(folder, 'metadata'), path.join(folder, 'tar')];
    writeFileSync(metadata, trialMetadata());
    writeFileSync(tar, trialTar());
    const mounted = ['-m', 'perl', '-e', MOUNT_IMAGE, metadata, tar, folder];
    return spawnSync('unshare', mounted).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// An ordinary user's kernel mounts no such thing, and its marks are not those that a user may set.
const describeImages = isRoot ? snapshotterSuite : leftOut;

function leftOut(name: string): void {
  test.skip(`the ${name}: only root mounts EROFS`);
}

describeImages('erofs snapshotter', {
  create: (places) => {
    const root = path.join(places.directory, '../store');
    const tars = new LayerTars({ ...places, roots: [root] });
    const options = { ...places, ownership, userxattr: false, tars } as const;
    return imagingSnapshotter(createOverlaySnapshotter(options), root);
  },
  edit: editOverlay,
  edits: 'all',
  roundTrips: 8,
  skipEdits: (overlay.skip && overlay.reason) || (images.skip && images.reason),
  skipOwners,
  skipXattrs,
});

snapshotterSuite('copy snapshotter', {
  create: (places) => createCopySnapshotter({ ...places, ownership }),
  edit: (active, script) => {
    if (active.root.kind !== 'directory') throw new Error('no directory');
    shell(script, active.root.path);
  },
  edits: 'all',
  skipEdits: false,
  skipOwners,
  skipXattrs,
});

snapshotterSuite('copy snapshotter that records owners', {
  create: (places) => createCopySnapshotter({ ...places, ownership: 'recorded' }),
  edit: (active, script) => {
    if (active.root.kind !== 'directory') throw new Error('no directory');
    shell(script, active.root.path);
  },
  edits: 'plain',
  skipEdits: false,
  skipOwners,
  skipXattrs,
});

snapshotterSuite('overlay snapshotter that records owners', {
  create: (places) => createOverlaySnapshotter({ ...places, ownership: 'recorded', userxattr: true }),
  edit: () => undefined,
  edits: 'none',
  skipEdits: false,
  skipOwners,
  skipXattrs,
});
