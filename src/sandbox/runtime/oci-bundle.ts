import { capabilityNames } from '../rights/capabilities.js';
import { MASKED_PROC, READ_ONLY_PROC } from '../mounts/kernel-files.js';
import type { RunSpec } from '../run-spec.js';
import { runtimeSeccomp } from '../seccomp/runtime-rules.js';

export interface BundleSettings {
  readonly spec: Pick<RunSpec, 'hostname' | 'privileged'>;
  /** A root file system with everything in it but /proc. */
  readonly root: string;
  /** What is run in it; the descriptors it needs come with it. */
  readonly args: readonly string[];
  readonly capabilities: bigint;
  readonly architecture: string;
}

/** Of a config.json (runtime-spec, config.md), what is used here. */
export type BundleConfig = Readonly<Record<string, unknown>>;

const inProc = (name: string): string => `/proc/${name}`;
const INERT = ['nosuid', 'noexec', 'nodev'];

/**
 * The runtime makes the namespaces that a process can only be born into or that need one (pid, and with it /proc; mount, ipc, uts);
 * network and cgroup namespace are inherited from who starts it. Root, /dev, /sys and requested mounts are there already, made by the
 * same code as for every sandbox. /dev is named as a mount of its own, on itself, since a runtime would furnish it otherwise.
 */
export function bundleConfig({ spec, root, args, capabilities, architecture }: BundleSettings): BundleConfig {
  const names = capabilityNames(capabilities);
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env: [],
      cwd: '/',
      // Neither inheritable nor ambient ones (CVE-2022-27651).
      capabilities: { bounding: names, effective: names, permitted: names },
      // `sudo` works in a step, as with every builder.
      noNewPrivileges: false,
    },
    root: { path: root, readonly: false },
    hostname: spec.hostname,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: INERT },
      { destination: '/dev', type: 'bind', source: `${root}/dev`, options: ['rbind'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: INERT },
    ],
    linux: {
      namespaces: ['mount', 'pid', 'ipc', 'uts'].map((type) => ({ type })),
      ...(spec.privileged
        ? {}
        : {
            maskedPaths: MASKED_PROC.map(inProc),
            readonlyPaths: READ_ONLY_PROC.map(inProc),
            seccomp: runtimeSeccomp(architecture),
          }),
    },
  };
}
