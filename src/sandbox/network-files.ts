import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../support/errors.js';
import type { RunSpec } from './run-spec.js';

/** The name resolution that a step sees, in files that are never committed. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

const MAX_LENGTH = 64 * 1024;

/** The host's resolvers where its network is shared; without a network there is nobody to ask. */
export function networkFiles(
  { network, hostname, hosts }: Pick<RunSpec, 'network' | 'hostname' | 'hosts'>,
  resolvConf = '/etc/resolv.conf',
): NetworkFiles {
  const more = hosts.map(({ name, address }) => `${address}\t${name}\n`).join('');
  return {
    hosts: `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n${more}`,
    resolvConf: network === 'host' ? readIfThere(resolvConf).slice(0, MAX_LENGTH) : '',
  };
}

/** A host without one asks 127.0.0.1 (resolv.conf(5)), and so does a step with an empty one. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return '';
  }
}
