import { existsSync, statSync } from 'node:fs';
import { capabilityNames } from '../rights/capabilities.js';
import { MASKED_PROC, READ_ONLY_PROC } from '../mounts/kernel-files.js';
import type { Parts } from '../mounts/parts.js';
import type { RunSpec } from '../run-spec.js';

export interface BwrapSettings {
  readonly spec: Pick<RunSpec, 'hostname'>;
  /** A root file system with everything in it but /proc. */
  readonly root: string;
  readonly args: readonly string[];
  readonly capabilities: bigint;
  readonly parts: Pick<Parts, 'emptyDirectory' | 'emptyFile'>;
  /** The descriptor of a BPF program. */
  readonly filter: number;
}

const inProc = (name: string): string => `/proc/${name}`;

/** What bubblewrap is told: the same as a runtime (`bundleConfig`), in its words. */
export function bwrapArguments({ spec, root, args, capabilities, parts, filter }: BwrapSettings): readonly string[] {
  return [
    ...['--dev-bind', root, '/', '--proc', '/proc', '--mqueue', '/dev/mqueue'],
    ...READ_ONLY_PROC.map(inProc)
      .filter((path) => existsSync(path))
      .flatMap((path) => ['--ro-bind', path, path]),
    ...MASKED_PROC.map(inProc)
      .filter((path) => existsSync(path))
      .flatMap((path) => {
        return ['--ro-bind', statSync(path).isDirectory() ? parts.emptyDirectory : parts.emptyFile, path];
      }),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', spec.hostname],
    // Its own process 1 would know the step's end by a code only.
    ...['--as-pid-1', '--die-with-parent', '--cap-drop', 'ALL'],
    ...capabilityNames(capabilities).flatMap((name) => ['--cap-add', name]),
    ...['--seccomp', String(filter), '--clearenv', '--chdir', '/', '--', ...args],
  ];
}
