import { hostname } from 'node:os';
import type { IsolationName } from '../../src/sandbox/sandbox.js';
import { shell, type SandboxKind, type TestRun } from '../support/sandbox-harness.js';

/** A file for the step that may be on a disk. */
export const SCRIPT = {
  type: 'file',
  content: Buffer.from('#!/bin/sh\necho ran\n'),
  target: '/pipes/script',
  mode: 0o755,
  uid: 0,
  gid: 0,
  confidential: false,
} as const;

/** Something that other sandboxes do and this one does not, and how that is seen. */
export interface Shortcoming {
  readonly feature: 'rights' | 'walls' | 'network' | 'memory' | 'files' | 'devices' | 'secrets' | 'apart';
  readonly reason: string;
  readonly spec: TestRun['spec'];
  /** What the step is refused with, or else prints. */
  readonly refusal?: RegExp;
  readonly output?: RegExp;
}

const MEMORY = { type: 'tmpfs', target: '/t', readonly: false } as const;
const FILES = {
  type: 'bind',
  source: { kind: 'directory', path: '/etc' },
  path: '',
  target: '/t',
  readonly: true,
} as const;
const SECRET = { ...SCRIPT, confidential: true } as const;

/** The honest limits of each sandbox. */
export const SHORTCOMINGS: Readonly<Record<IsolationName, readonly Shortcoming[]>> = {
  namespaces: [],
  oci: [],
  bwrap: [
    {
      feature: 'rights',
      reason: 'bubblewrap always sets no_new_privs, so that sudo does not work',
      spec: shell('grep NoNewPrivs /proc/self/status'),
      output: /^NoNewPrivs:\t1\n$/,
    },
    {
      feature: 'walls',
      reason: 'bubblewrap covers parts of /proc, and lets nobody gain rights',
      spec: shell('true', { privileged: true }),
      refusal: /bubblewrap gives no step more rights than others$/,
    },
  ],
  chroot: [
    {
      feature: 'network',
      reason: 'a network of its own is a namespace',
      spec: shell('true', { network: 'none' }),
      refusal: /no steps without a network$/,
    },
    {
      feature: 'memory',
      reason: 'nothing can be mounted',
      spec: shell('true', { mounts: [MEMORY] }),
      refusal: /no file system in memory at "\/t"$/,
    },
    {
      feature: 'files',
      reason: 'nothing can be mounted, and a copy would not be seen by others',
      spec: shell('true', { mounts: [FILES] }),
      refusal: /no mounts \(at "\/t"\)$/,
    },
    {
      feature: 'devices',
      reason: 'nothing can be mounted',
      spec: shell('true', { mounts: [{ type: 'device', source: '/dev/zero', target: '/dev/mine' }] }),
      refusal: /no devices of the host \(at "\/dev\/mine"\)$/,
    },
    {
      feature: 'secrets',
      reason: 'nothing can be mounted, and a copy would reach the disk',
      spec: shell('true', { mounts: [SECRET] }),
      refusal: /it would be on the disk$/,
    },
    {
      feature: 'walls',
      reason: 'there are hardly any',
      spec: shell('true', { privileged: true }),
      refusal: /no steps with more rights than others$/,
    },
    {
      feature: 'apart',
      reason: 'host name, processes and network are those of the container',
      spec: shell('hostname; [ $$ -gt 2 ] && echo among others; [ -e /proc/self ] || echo no proc'),
      output: new RegExp(`^${hostname()}\\namong others\\nno proc\\n$`),
    },
  ],
};

export function lacks({ isolation }: SandboxKind, feature: Shortcoming['feature']): boolean {
  return SHORTCOMINGS[isolation].some((shortcoming) => shortcoming.feature === feature);
}
