import { always, type Cause } from '../cause.js';
import type { FailedRun } from '../failed-run.js';
import { installPackage } from '../packages.js';

/** Where distributions keep the authorities that programs trust. */
const AUTHORITIES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem', '/etc/pki/tls/certs/ca-bundle.crt'];

const UNREACHABLE = new RegExp(
  [
    'Temporary failure (?:in name resolution|resolving)',
    "Could not resolve (?:host|')",
    "couldn't resolve host",
    'unable to resolve host',
    'Name or service not known',
    'Name does not resolve',
    "bad address '",
    'no such host',
    'unknown host',
    'UnknownHostException',
    'ENOTFOUND',
    'EAI_AGAIN',
    'getaddrinfo',
    'DNS(?: lookup|: transient) error',
    'Network is unreachable',
    'ENETUNREACH',
    'No route to host',
    'EHOSTUNREACH',
    'Failed to connect to \\S+ port',
    "Couldn't connect to server",
    "can't connect to remote host",
    'Could not connect to \\S+:',
    'Unable to connect to \\S+:',
    'Connection timed out',
    'Connection refused',
    'ECONNREFUSED',
    'ETIMEDOUT',
    'ERR_SOCKET_TIMEOUT',
    'i/o timeout',
    'Operation timed out',
    'download timed out',
    'NewConnectionError',
    'ConnectTimeoutError',
    'trouble with your network connection',
    'network error \\(check Internet',
    'temporary error \\(try again later\\)',
    'keyserver receive failed',
    'Curl error \\((?:6|7|28)\\)',
  ].join('|'),
  'i',
);

/** Whether a step has failed to reach something, so that other complaints of its follow from that. */
export function couldNotReach({ tail }: Pick<FailedRun, 'tail'>): boolean {
  return UNREACHABLE.test(tail);
}

export const NETWORK_CAUSES: readonly Cause[] = [
  {
    pattern: /\b407 Proxy Authentication|Proxy Authentication Required|response 407|HTTP code 407/i,
    advice: always('The proxy refused: check the user and password in the proxy variables of your environment.'),
  },
  {
    pattern: /Permission denied \(publickey|Host key verification failed/i,
    advice: (_, [match]) =>
      match.startsWith('Host')
        ? 'ssh does not know the host: add its key with "ssh-keyscan HOST >> ~/.ssh/known_hosts" before.'
        : 'ssh has no key in the step: write RUN --mount=type=ssh, and build with --ssh default.',
  },
  {
    pattern: /could not read Username for '([^'\n]{1,200})'|Authentication failed for '([^'\n]{1,200})'/,
    advice: always(
      'The server asks who wants it, and nobody is there to answer: hand a token over with RUN --mount=type=secret and --secret, or use ssh with --mount=type=ssh.',
    ),
  },
  {
    pattern:
      /No system certificates available|error (?:setting certificate verify locations|adding trust anchors)|Problem with the SSL CA cert|no certificates? (?:file|bundle)|failed to load system roots/i,
    advice: noAuthorities,
  },
  {
    pattern:
      /certificate verify failed|CERTIFICATE_VERIFY_FAILED|self.signed certificate|SELF_SIGNED_CERT|unable to (?:get local issuer|locally verify the issuer)|UNABLE_TO_(?:GET_ISSUER|VERIFY)|SSL certificate problem|certificate is not trusted|certificate verification (?:failed|problem)|x509: certificate signed by unknown|certificate common name|PKIX path building failed|invalid peer certificate/i,
    advice: (failed) => (lacksAuthorities(failed) ? noAuthorities(failed) : untrusted(failed)),
  },
  {
    pattern: /certificate has expired|CERT_HAS_EXPIRED|certificate is not yet valid|CERT_NOT_YET_VALID/i,
    advice: always(
      'A certificate is out of date for the clock of this machine: check "date", or renew what the image trusts by updating ca-certificates.',
    ),
  },
  {
    pattern: /ProxyError|Cannot connect to proxy|Could not resolve proxy|proxy tunnel(?:ing)? failed/i,
    advice: noProxy,
  },
  { pattern: UNREACHABLE, advice: noNetwork },
];

function lacksAuthorities({ image }: FailedRun): boolean {
  return image !== undefined && !AUTHORITIES.some((path) => image.exists(path));
}

function noAuthorities({ image }: FailedRun): string {
  const how = installPackage('ca-certificates', image?.distribution);
  return `The image trusts no certificate at all: ${how} before.`;
}

function untrusted({ image }: FailedRun): string {
  const place =
    image?.distribution === 'fedora'
      ? '/etc/pki/ca-trust/source/anchors/ and run update-ca-trust'
      : '/usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates';
  return `A certificate is not trusted, often that of a proxy which looks into connections: COPY its authority to ${place}.`;
}

function noProxy({ proxies }: FailedRun): string {
  const names = Object.keys(proxies).join(' and ');
  const given = names === '' ? 'none by tsbuild' : names;
  return `A proxy cannot be reached: the step was given ${given}, so check what it names, and what ENV of the image says.`;
}

function noNetwork(failed: FailedRun, match: RegExpExecArray): string {
  const { network, proxies } = failed;
  if (network === 'none') return 'The step has no network: take --network=none (or --network none of the build) away.';
  const names = Object.keys(proxies);
  const local = localProxy(proxies);
  if (local !== undefined && network === 'private') {
    return `The step was given the proxy ${local}, which listens on this host's loopback device and is out of reach of a private network: build with --network host, or have the proxy listen on an address that others see.`;
  }
  if (local !== undefined) {
    return `The network could not be reached, though the step was given the proxy ${local}: check that it runs, on this host.`;
  }
  const refused = refusedHere(match);
  if (refused !== undefined) return refused;
  if (names.length > 0) {
    return `The network could not be reached, though the step was given ${names.join(' and ')}: check these, and whether NO_PROXY leaves out the host.`;
  }
  return 'The network could not be reached: where a proxy stands in front, set http_proxy and https_proxy in the environment of tsbuild, for steps to get them and the image not.';
}

/** A service that was started by another step. */
function refusedHere({ input, index, 0: match }: RegExpExecArray): string | undefined {
  if (!/refused|connect/i.test(match)) return undefined;
  const line = input
    .slice(input.lastIndexOf('\n', index) + 1)
    .split('\n', 1)
    .join('');
  const [, address] = /(\blocalhost\b|\b127\.0\.0\.1\b|\[::1\])/.exec(line) ?? [];
  if (address === undefined) return undefined;
  return `Nothing answers on ${address}: a service that another RUN has started ended with it, so start it in the same RUN.`;
}

/** Its variable, host and port: users and passwords are not for messages. */
function localProxy(proxies: FailedRun['proxies']): string | undefined {
  for (const [name, value] of Object.entries(proxies)) {
    if (name.toUpperCase() === 'NO_PROXY') continue;
    const text = value.includes('://') ? value : `http://${value}`;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)) return `${name}=${url.host}`;
  }
  return undefined;
}
