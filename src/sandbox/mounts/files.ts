import { join } from 'node:path';
import type { TsbuildError } from '../../support/errors.js';
import { MS } from '../../support/syscalls.js';
import type { CallList } from '../calls/call-list.js';
import { changeMode, changeOwner, makeDirectory, mount, writeFile } from '../calls/kernel-calls.js';
import type { NetworkFiles } from '../network/network-files.js';
import type { FileMount, RunSpec } from '../run-spec.js';
import { seal, type Parts } from './parts.js';
import { linkOverlay } from './root-file-system.js';
import { cannotMount } from './rooted.js';

const IN_MEMORY = { source: 'files', type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700,size=64m' };

export const hostsFile = ({ files }: Parts): string => join(files, 'hosts');
export const resolvConfFile = ({ files }: Parts): string => join(files, 'resolv.conf');
/** Of the mount at that index: its file. */
export const requestedFile = ({ scripts }: Parts, index: number): string => join(scripts, `content-${index}`);
/** And where a file system that it comes from can be mounted. */
export const sourceDirectory = ({ files }: Parts, index: number): string => join(files, `source-${index}`);
/** Names of the directories of an overlay: of the root file system, or of such a source. */
export const overlayNames = ({ files }: Parts, index?: number): string =>
  join(files, index === undefined ? 'names' : `names-${index}`);

/** Files for one step, in small file systems in memory that vanish with it. Whatever is bound from them is read-only. */
export function mountFiles(
  calls: CallList,
  parts: Parts,
  { rootfs, mounts, network }: Pick<RunSpec, 'rootfs' | 'mounts'> & { readonly network: NetworkFiles },
): void {
  mount(calls, { ...IN_MEMORY, target: parts.files });
  // Everyone may read them.
  writeFile(calls, { path: hostsFile(parts), content: Buffer.from(network.hosts), mode: 0o644 });
  writeFile(calls, { path: resolvConfFile(parts), content: Buffer.from(network.resolvConf), mode: 0o644 });
  linkOverlay(calls, overlayNames(parts), rootfs);
  mounts.forEach((each, index) => {
    if (each.type !== 'bind' || each.source.kind !== 'overlay') return;
    makeDirectory(calls, sourceDirectory(parts, index), 0o755);
    linkOverlay(calls, overlayNames(parts, index), each.source);
  });
  seal(calls, parts.files, MS.noexec);
  const wanted = mounts.flatMap((each, index) =>
    each.type === 'file' ? [{ each, path: requestedFile(parts, index) }] : [],
  );
  if (wanted.length === 0) return;
  mount(calls, { ...IN_MEMORY, target: parts.scripts });
  for (const { each, path } of wanted) addRequestedFile(calls, each, path);
  // Executable: a heredoc of a RUN may be.
  seal(calls, parts.scripts, 0);
}

function addRequestedFile(calls: CallList, { content, target, uid, gid, mode }: FileMount, path: string): void {
  const failure = (code: string): TsbuildError => {
    if (code !== 'EINVAL') return cannotMount(target, code);
    return cannotMount(target, `it cannot belong to ${uid}:${gid}, as this user namespace has no such id`);
  };
  calls.during(failure, () => {
    writeFile(calls, { path, content, mode: 0o600 });
    changeOwner(calls, { path, uid, gid });
    changeMode(calls, path, mode);
  });
}
