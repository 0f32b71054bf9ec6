import { constants } from 'node:fs';
import { CLONE, closeDescriptor, MOUNT_ATTRIBUTE, MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { IMPOSSIBLE, mount, openPath } from '../calls/kernel-calls.js';
import type { Launch } from './launcher.js';
import { addAttributes, readMounts } from '../mounts/attributes.js';
import { hostsFile, mountFiles, overlayNames, resolvConfFile } from '../mounts/files.js';
import { mountSys, unmountSys } from '../mounts/kernel-files.js';
import type { KeptImages } from '../mounts/kept-images.js';
import { movePartsInto, type Parts } from '../mounts/parts.js';
import { privilegedDevices, unprotect } from '../mounts/privileged.js';
import { bindSealed, mountRequested } from '../mounts/requested.js';
import { mountRoot, type OverlayMethod } from '../mounts/root-file-system.js';
import type { Root, Stub } from '../mounts/rooted.js';
import type { NetworkFiles } from '../network/network-files.js';
import type { RunSpec } from '../run-spec.js';

export interface Furnishing {
  readonly spec: Pick<RunSpec, 'rootfs' | 'mounts' | 'network' | 'hostname' | 'privileged' | 'readonlyRoot'>;
  readonly network: NetworkFiles;
  /** An open descriptor of this process, for a private network. */
  readonly networkNamespace?: number | undefined;
  readonly overlay: OverlayMethod | null;
  /** Absent: layers that are mounted from their tars are so for this step alone. */
  readonly images?: KeptImages | undefined;
}

/**
 * Puts a step's root file system together, with all that is mounted in it.
 * @param stubs - gets what was made in the root file system, also when this fails: to be removed once nothing is mounted any more
 * @returns a descriptor of the root, for the caller to close
 */
export async function furnish(
  { process, parts }: Launch,
  { spec, network, networkNamespace, overlay, images }: Furnishing,
  stubs: Stub[],
): Promise<Root> {
  using loan = images?.lend();
  const { rootfs, mounts: wanted } = loan?.inPlaceOf(spec) ?? spec;
  const mounts = [...(spec.privileged ? privilegedDevices() : []), ...wanted];
  await process.make((calls) => {
    const namespace = networkNamespace === undefined ? undefined : process.pathOf(networkNamespace);
    separate(calls, spec.network, namespace);
    calls.during('set the host name', () => {
      const name = calls.text(spec.hostname);
      calls.call('sethostname', [name, name.size - 1]);
    });
    mountFiles(calls, parts, { rootfs, mounts, network });
    mountRoot(calls, rootfs, {
      target: parts.root,
      names: overlayNames(parts),
      overlay,
      devices: spec.privileged,
    });
    refreshSys(calls, parts, spec);
    if (!spec.privileged) return;
    calls.during('open "/proc" and "/dev"', () => {
      unprotect(calls, parts);
    });
  });
  const root: Root = { descriptor: process.open(parts.root, constants.O_DIRECTORY | constants.O_NOFOLLOW), stubs };
  try {
    await movePartsInto(root, process, parts);
    await bindSealed(
      root,
      [
        { source: hostsFile(parts), target: '/etc/hosts' },
        { source: resolvConfFile(parts), target: '/etc/resolv.conf' },
      ],
      { process },
    );
    await mountRequested(root, mounts, { process, parts, overlay });
    if (spec.readonlyRoot === true) {
      const sealed = { path: parts.root, attributes: MOUNT_ATTRIBUTE.rdonly, recursive: false };
      await process.make((calls) => {
        addAttributes(calls, sealed, () => readMounts(process.file('mountinfo')));
      });
    }
    return root;
  } catch (error) {
    closeDescriptor(root.descriptor);
    throw error;
  }
}

/**
 * The last ties: to what will be mounted on the machine from now on, to its network.
 * @param namespace - where the process finds the namespace of a private network
 */
export function separate(calls: CallList, network: RunSpec['network'], namespace?: string): void {
  calls.during('make namespaces', () => {
    mount(calls, { source: null, target: '/', flags: MS.rec | MS.private });
    if (namespace !== undefined) {
      const joined = openPath(calls, { path: namespace, flags: constants.O_RDONLY });
      calls.call('setns', [joined, CLONE.newnet]);
      calls.call('close', [joined]);
    } else if (network !== 'host') {
      calls.call('unshare', [CLONE.newnet]);
    }
  });
  if (network !== 'host') bringLoopbackUp(calls);
}

const [AF_INET, SOCK_DGRAM] = [2, 2];
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;

/** netdevice(7). Root of a container may lack CAP_NET_ADMIN: the device is there then, and down. */
function bringLoopbackUp(calls: CallList): void {
  const socket = { resultOf: calls.call('socket', [AF_INET, SOCK_DGRAM, 0]) };
  const request = Buffer.alloc(40);
  request.write('lo');
  request.writeInt16LE(IFF_UP, 16);
  calls.call('ioctl', [socket, SIOCSIFFLAGS, calls.data(request)], { tolerate: IMPOSSIBLE });
  calls.call('close', [socket]);
}

/** /sys shows the network namespace that it is mounted in: the one that was made ahead is for the usual step. */
function refreshSys(calls: CallList, parts: Parts, { network, privileged }: Furnishing['spec']): void {
  if (network === 'host' && !privileged) return;
  calls.during('mount "/sys"', () => {
    unmountSys(calls, parts);
    mountSys(calls, parts, { writable: privileged });
  });
}
