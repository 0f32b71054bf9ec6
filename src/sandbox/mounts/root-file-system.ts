import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { changeDirectory, mount, MOUNT_ATTRIBUTE, mountWithOptions, MS } from '../../support/syscalls.js';
import type { Rootfs } from '../run-spec.js';
import { addAttributes } from './attributes.js';
import { addDirectory, addLink, type Files } from './files.js';

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
}

/** Puts a root file system at `target`. Set-user-ID programs of it work, since `sudo` must; its device nodes rarely do. */
export function mountRoot(rootfs: Rootfs, target: string, options: MountRootOptions): void {
  mountFiles(rootfs, target, options);
  if (options.devices !== true) addAttributes(target, MOUNT_ATTRIBUTE.nodev, { recursive: false });
}

function mountFiles(rootfs: Rootfs, target: string, options: MountRootOptions): void {
  if (rootfs.kind === 'directory') {
    mount({ source: rootfs.path, target, flags: MS.bind });
    return;
  }
  if (options.overlay === null) {
    throw new TsbuildError('SANDBOX_FAILED', 'cannot mount the root file system: overlays are not available here');
  }
  try {
    mountOverlay(rootfs, target, { ...options, overlay: options.overlay });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new TsbuildError(
      'SANDBOX_FAILED',
      `cannot mount the root file system: overlay of ${rootfs.lowers.length} layers: ${code}`,
      { cause: error, hint: 'The kernel log (dmesg) has the reason. An overlay has at most 500 layers.' },
    );
  }
}

export interface MountRootOptions {
  /** To keep names in. */
  readonly files: Files;
  readonly overlay: OverlayMethod | null;
  /** Whether its device nodes work. */
  readonly devices?: boolean;
}

/**
 * All paths are short names, relative to one directory: fsconfig(2) takes no value longer than 255 bytes, mount(2) no more
 * than a page of them, and both give colons, commas and backslashes a meaning.
 */
function mountOverlay(
  { lowers, upper, work }: Extract<Rootfs, { kind: 'overlay' }>,
  target: string,
  { files, overlay }: { readonly files: Files; readonly overlay: OverlayMethod },
): void {
  const names = lowers.map((_, index) => String(index));
  lowers.forEach((lower, index) => {
    addLink(files, String(index), lower);
  });
  addLink(files, 'upper', upper);
  addLink(files, 'work', work);
  // Left by an earlier mount of the same directories; it would refuse this one (overlayfs.rst, "Volatile mount").
  if (overlay.volatile) rmSync(join(work, 'work', 'incompat'), { recursive: true, force: true });
  changeDirectory(files.path);
  // An overlay has at least one lower directory.
  if (names.length === 0) addDirectory(files, 'empty');
  const stack = names.length === 0 ? ['empty'] : names;
  if (overlay.call === 'fsconfig') {
    const layers = stack.map((name): [string, string] => ['lowerdir+', name]);
    mountWithOptions('overlay', target, [...layers, ...overlayOptions(overlay)]);
    return;
  }
  const options = overlayOptions(overlay).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  const data = [`lowerdir=${stack.join(':')}`, ...options].join(',');
  mount({ source: 'overlay', target, type: 'overlay', data });
}

/** Everything that would put a trace of itself into the upper directory is off: its content becomes a layer. */
function overlayOptions(overlay: OverlayMethod): [string, string | true][] {
  return [
    ['upperdir', 'upper'],
    ['workdir', 'work'],
    ['index', 'off'],
    // A user namespace has neither of these, and may not name them.
    ...(overlay.userxattr ? [['userxattr', true] as [string, true]] : SINGLE_NAMES),
    ...(overlay.volatile ? [['volatile', true] as [string, true]] : []),
  ];
}
const SINGLE_NAMES: [string, string][] = [
  ['metacopy', 'off'],
  ['redirect_dir', 'nofollow'],
];
