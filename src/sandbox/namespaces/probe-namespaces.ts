import { constants } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor } from '../../support/syscalls.js';
import { mount } from '../calls/kernel-calls.js';
import { separate } from './furnish-sandbox.js';
import type { Launch, Launcher } from './launcher.js';
import { mountFiles, overlayNames } from '../mounts/files.js';
import { KeptImages, type ImageLoan } from '../mounts/kept-images.js';
import { hidesFilesBelow, makeTrialOverlay, overlayMethods, showsImage } from './overlay-probe.js';
import { movePartsInto } from '../mounts/parts.js';
import { mountRoot, type OverlayMethod } from '../mounts/root-file-system.js';
import type { Root, Stub } from '../mounts/rooted.js';
import type { Rootfs } from '../run-spec.js';
import { enterRoot } from '../step/start-step.js';

export interface ProbeOptions {
  /** An empty directory on the file system that root file systems will be on. */
  readonly trial: string;
  readonly userxattr: boolean;
}

/**
 * Makes a whole sandbox and throws it away. @returns the best way to mount overlays that works here, or `null`
 * @throws `SANDBOX_FAILED` when sandboxes cannot be made
 */
export async function probeNamespaces(
  launcher: Launcher,
  { trial, userxattr }: ProbeOptions,
): Promise<OverlayMethod | null> {
  for (const [index, overlay] of overlayMethods(userxattr).entries()) {
    using kept = new KeptImages();
    using loan = kept.lend();
    const rootfs = tryImages(loan, makeTrialOverlay(join(trial, String(index)), overlay), overlay);
    if (rootfs === undefined) continue;
    await using launch = await launcher.take();
    const mounted = await tryOverlay(launch, rootfs, overlay);
    if (!mounted) continue;
    await enter(launch);
    return overlay;
  }
  await using launch = await launcher.take();
  await launch.process.make((calls) => {
    separate(calls, 'none');
    mount(calls, { source: 'probe', target: launch.parts.root, type: 'tmpfs' });
  });
  await enter(launch);
  return null;
}

/** With images mounted, if they are to be kept; `undefined` where that is not possible, which takes no launch to find out. */
function tryImages(loan: ImageLoan, rootfs: Rootfs, { keepsImages }: OverlayMethod): Rootfs | undefined {
  if (!keepsImages) return rootfs;
  try {
    return loan.mounted(rootfs);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

async function tryOverlay({ process, parts }: Launch, rootfs: Rootfs, overlay: OverlayMethod): Promise<boolean> {
  try {
    await process.make((calls) => {
      separate(calls, 'none');
      mountFiles(calls, parts, { rootfs, mounts: [], network: { hosts: '', resolvConf: '' } });
      mountRoot(calls, rootfs, { target: parts.root, names: overlayNames(parts), overlay });
    });
    return await withRoot({ process, parts }, (root) =>
      Promise.resolve(showsImage(root, overlay) && hidesFilesBelow(root)),
    );
  } catch (error) {
    // Whatever the reason: this way is not one to go. Where it is not the overlay's, no other way works either, and says so.
    if (error instanceof TsbuildError || systemErrorCode(error) !== undefined) return false;
    throw error;
  }
}

async function enter(launch: Pick<Launch, 'process' | 'parts'>): Promise<void> {
  const { process, parts } = launch;
  await withRoot(launch, (root) => movePartsInto(root, process, parts));
  await process.make((calls) => {
    enterRoot(calls, { root: parts.root, directory: '/' });
  });
}

async function withRoot<T>(
  { process, parts }: Pick<Launch, 'process' | 'parts'>,
  act: (root: Root) => Promise<T>,
): Promise<T> {
  const descriptor = process.open(parts.root, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stubs: Stub[] = [];
  try {
    return await act({ descriptor, stubs });
  } finally {
    for (const stub of stubs) [stub.parent, stub.node].forEach(closeDescriptor);
    closeDescriptor(descriptor);
  }
}
