import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { TsbuildError } from '../../support/errors.js';
import { MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import {
  changeDirectory,
  makeDirectory,
  makeLink,
  mount,
  mountWithOptions,
  type MountOption,
} from '../calls/kernel-calls.js';
import type { LayerImage, Rootfs } from '../run-spec.js';
import { addAttributes, readMounts, type MountPoint } from './attributes.js';
import { imageMount } from './kept-images.js';

/** How overlays are mounted on this machine, as `probe` found out. */
export interface OverlayMethod {
  /** fsconfig(2) takes any number of lower directories ("lowerdir+", Linux 6.8); mount(2) a page of options. */
  readonly call: 'fsconfig' | 'mount';
  /** Keep its attributes in `user.overlay.*`: a user namespace may not set `trusted.*` (Linux 5.11). */
  readonly userxattr: boolean;
  /**
   * Do not flush the upper directory's whole file system at unmount (Linux 5.10): what must be durable is made so by who
   * keeps it.
   */
  readonly volatile: boolean;
  /**
   * Layers can be mounted from their tars: EROFS takes files, without loop devices, for its metadata and its data (Linux 6.12,
   * CONFIG_EROFS_FS_BACKED_BY_FILE), from the host's root alone.
   */
  readonly images: boolean;
  /** Such mounts of this process's, which are attached nowhere, may be layers of an overlay (Linux 6.15): `KeptImages`. */
  readonly keepsImages: boolean;
}

export interface MountRootOptions {
  /** Where to. */
  readonly target: string;
  /** A directory that `linkOverlay` has filled. */
  readonly names: string;
  readonly overlay: OverlayMethod | null;
  /** Whether its device nodes work. */
  readonly devices?: boolean;
}

type OverlayRootfs = Extract<Rootfs, { kind: 'overlay' }>;

/**
 * Makes short names for an overlay's directories, relative to `names`: fsconfig(2) takes no value longer than 255 bytes, mount(2) no
 * more than a page of them, and both give colons, commas and backslashes a meaning.
 */
export function linkOverlay(calls: CallList, names: string, rootfs: Rootfs): void {
  if (rootfs.kind !== 'overlay') return;
  makeDirectory(calls, names, 0o755);
  rootfs.lowers.forEach((lower, index) => {
    const name = join(names, String(index));
    if (typeof lower === 'string') makeLink(calls, name, lower);
    else linkImage(calls, name, lower);
  });
  // An overlay has at least one lower directory.
  if (rootfs.lowers.length === 0) makeDirectory(calls, join(names, EMPTY), 0o755);
  makeLink(calls, join(names, 'upper'), rootfs.upper);
  makeLink(calls, join(names, 'work'), rootfs.work);
}
const EMPTY = 'empty';

const metadataOf = (name: string): string => `${name}.metadata`;
const tarOf = (name: string): string => `${name}.tar`;

/** A place to mount it on, and what to mount. */
function linkImage(calls: CallList, name: string, { metadata, tar }: LayerImage): void {
  makeDirectory(calls, name, 0o755);
  makeLink(calls, metadataOf(name), metadata);
  makeLink(calls, tarOf(name), tar);
}

/** Mounts a root file system. Set-user-ID programs of it work, since `sudo` must; its device nodes rarely do. */
export function mountRoot(calls: CallList, rootfs: Rootfs, options: MountRootOptions): void {
  const { target } = options;
  if (rootfs.kind === 'directory') {
    mount(calls, { source: rootfs.path, target, flags: MS.bind });
    if (options.devices === true) return;
    addAttributes(calls, { path: target, attributes: MOUNT_ATTRIBUTE.nodev, recursive: false }, () => [
      { path: target, flags: flagsAt(rootfs.path) },
    ]);
    return;
  }
  const { overlay } = options;
  if (overlay === null) {
    throw new TsbuildError('SANDBOX_FAILED', 'cannot mount the root file system: overlays are not available here');
  }
  const failure = (code: string): TsbuildError =>
    new TsbuildError(
      'SANDBOX_FAILED',
      `cannot mount the root file system: overlay of ${rootfs.lowers.length} layers: ${code}`,
      { hint: 'The kernel log (dmesg) has the reason. An overlay has at most 500 layers.' },
    );
  calls.during(failure, () => {
    mountOverlay(calls, rootfs, { ...options, overlay });
  });
}

/** Of the mount that a path of the host is on. */
function flagsAt(path: string): number {
  const around = readMounts('/proc/self/mountinfo').filter(
    (point) => point.path === '/' || `${path}/`.startsWith(`${point.path}/`),
  );
  const nearest = around.reduce<MountPoint | undefined>(
    (best, point) => (best === undefined || point.path.length >= best.path.length ? point : best),
    undefined,
  );
  return nearest?.flags ?? 0;
}

function mountOverlay(
  calls: CallList,
  { lowers, work }: OverlayRootfs,
  { target, names, overlay, devices }: MountRootOptions & { readonly overlay: OverlayMethod },
): void {
  // Left by an earlier mount of the same directories; it would refuse this one (overlayfs.rst, "Volatile mount").
  if (overlay.volatile) rmSync(join(work, 'work', 'incompat'), { recursive: true, force: true });
  changeDirectory(calls, names);
  lowers.forEach((lower, index) => {
    if (typeof lower !== 'string') mountImage(calls, String(index));
  });
  const stack = lowers.length === 0 ? [EMPTY] : lowers.map((_, index) => String(index));
  if (overlay.call === 'fsconfig') {
    const layers = stack.map((name): MountOption => ['lowerdir+', name]);
    const options = [...layers, ...overlayOptions(overlay)];
    mountWithOptions(calls, {
      type: 'overlay',
      target,
      options,
      attributes: devices === true ? 0 : MOUNT_ATTRIBUTE.nodev,
    });
    return;
  }
  const options = overlayOptions(overlay).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  const data = [`lowerdir=${stack.join(':')}`, ...options].join(',');
  mount(calls, { source: 'overlay', target, type: 'overlay', flags: devices === true ? 0 : MS.nodev, data });
}

/** For this root file system alone. */
function mountImage(calls: CallList, name: string): void {
  mountWithOptions(calls, { ...imageMount({ metadata: metadataOf(name), tar: tarOf(name) }), target: name });
}

/** Everything that would put a trace of itself into the upper directory is off: its content becomes a layer. */
function overlayOptions(overlay: OverlayMethod): MountOption[] {
  return [
    ['upperdir', 'upper'],
    ['workdir', 'work'],
    ['index', 'off'],
    // A user namespace has neither of these, and may not name them.
    ...(overlay.userxattr ? [['userxattr', true] as MountOption] : SINGLE_NAMES),
    ...(overlay.volatile ? [['volatile', true] as MountOption] : []),
  ];
}
const SINGLE_NAMES: MountOption[] = [
  ['metacopy', 'off'],
  ['redirect_dir', 'nofollow'],
];
