import { readableText } from '../../support/readable-text.js';
import type { NameResolution, RunSpec } from '../run-spec.js';

/** The name resolution that a step sees, in files that are never committed. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

export interface NetworkFilesOptions {
  /** Of a private network: who answers there for the host's resolvers. */
  readonly resolver?: string | undefined;
  /** The host's; it is read, never written. */
  readonly resolvConf?: string;
}

const MAX_LENGTH = 64 * 1024;

type Network = Pick<RunSpec, 'network' | 'hostname' | 'hosts' | 'nameResolution'>;

/** The host's resolvers where its network is shared or reached; without a network there is nobody to ask. */
export function networkFiles(
  { network, hostname, hosts, nameResolution }: Network,
  { resolver, resolvConf = '/etc/resolv.conf' }: NetworkFilesOptions = {},
): NetworkFiles {
  const more = hosts.map(({ name, address }) => `${address}\t${name}\n`).join('');
  // A host without one asks 127.0.0.1 (resolv.conf(5)), and so does a step with an empty one.
  const own = network === 'none' ? '' : (readableText(resolvConf) ?? '').slice(0, MAX_LENGTH);
  // The host's resolvers may listen on its loopback device only, which a private network does not reach.
  const reachable = resolver === undefined ? own : withLines(own, 'nameserver', [`nameserver ${resolver}`]);
  return {
    hosts: `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n${more}`,
    resolvConf: nameResolution === undefined ? reachable : resolved(reachable, nameResolution),
  };
}

/** As Docker has it: what is given takes the place of all lines of its kind. */
function resolved(text: string, { servers, searches, options }: NameResolution): string {
  const asked =
    servers.length === 0
      ? text
      : withLines(
          text,
          'nameserver',
          servers.map((one) => `nameserver ${one}`),
        );
  // `domain` is the older word for a list of one (resolv.conf(5)).
  const searched = searches.length === 0 ? asked : withLines(asked, 'search|domain', [`search ${searches.join(' ')}`]);
  return options.length === 0 ? searched : withLines(searched, 'options', [`options ${options.join(' ')}`]);
}

function withLines(text: string, keyword: string, lines: readonly string[]): string {
  const others = text.split('\n').filter((line) => line !== '' && !new RegExp(`^(?:${keyword})\\s`).test(line));
  return [...others, ...lines].map((line) => `${line}\n`).join('');
}
