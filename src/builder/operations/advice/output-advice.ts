import { isRoot, type FailedRun } from './failed-run.js';

interface Cause {
  /** Tested on the last lines of output. */
  readonly pattern: RegExp;
  /** What to do, as full sentences; `undefined` if the pattern is no sign of the cause in this step. */
  readonly advice: (failed: FailedRun, match: RegExpExecArray) => string | undefined;
}

const always =
  (text: string): Cause['advice'] =>
  () =>
    text;

/** Well-known last words of programs; the first that fits counts. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|not enough free disk space/i,
    advice: always('The disk is full: remove images with "tsbuild rmi", or choose another disk with --store.'),
  },
  {
    pattern:
      /\bKilled$|Cannot allocate memory|out of memory|OutOfMemoryError|heap out of memory|virtual memory exhausted|\bMemoryError\b|std::bad_alloc/im,
    advice: always(
      'The step ran out of memory: let it do less at once (make -j2, fewer workers), or build where there is more.',
    ),
  },
  {
    pattern: /\\r'|\^M|\r: (?:command )?not found|\$'\\r'|bad interpreter: .*\r|Illegal option -\r?$/m,
    advice: always(
      'A script has the line ends of Windows (CRLF): save it with LF, or run "sed -i \'s/\\r$//\' FILE" before it; "*.sh text eol=lf" in .gitattributes keeps it so.',
    ),
  },
  {
    pattern: /exec format error|cannot execute binary file/i,
    advice: always(
      'A program is for another kind of processor, or a script does not begin with "#!/bin/sh": see that the base image and what was copied are for this platform.',
    ),
  },
  {
    pattern: /sudo: (?:command )?not found|exec: "sudo"/,
    advice: (failed) =>
      isRoot(failed)
        ? 'Leave out sudo: the step runs as root already.'
        : 'Leave out sudo: write USER root above the step, and the user again below.',
  },
  {
    pattern: /Do you want to continue\? \[Y\/n\]|Is this ok \[y\/N\]|Proceed \(\[y\]\/n\)\?|Continue\? \[y\/n/i,
    advice: always('The package manager asked and nobody is there to answer: add -y ("apt-get install -y").'),
  },
  {
    pattern:
      /(?:setgroups|seteuid|setegid|setresuid)\b.*failed|chown(?:ing)?\b.*(?:Invalid argument|Operation not permitted)/i,
    advice: (failed, [match]) => {
      if (!isRoot(failed)) return undefined;
      const limit =
        'The step wanted to take on, or to give a file to, a user or group that there is not in its user namespace: there are as many as the ranges in /etc/subuid and /etc/subgid give to whoever builds.';
      // apt becomes _apt to download.
      return match.startsWith('set')
        ? `${limit} Without them, apt works for most packages with -o APT::Sandbox::User=root.`
        : limit;
    },
  },
  {
    pattern:
      /are you root\?|Could not open lock file|must be (?:run as )?root|superuser privileges|Unable to lock database: Permission denied/i,
    advice: (failed) =>
      isRoot(failed)
        ? undefined
        : `The step runs as user "${failed.user}": write USER root above it, and the user again below.`,
  },
  {
    pattern:
      /Unable to locate package ([^\s'"]{1,80})|Package '?([^\s'"]{1,80})'? has no installation candidate|Couldn't find any package by/,
    advice: (failed, [, missing, uninstallable]) => missingPackage(failed, missing ?? uninstallable),
  },
  {
    pattern:
      /Temporary failure resolving|Temporary failure in name resolution|Could not resolve|Name or service not known|bad address|ENOTFOUND|EAI_AGAIN|Network is unreachable|ENETUNREACH|No route to host|Failed to connect to|Could not connect to|Connection timed out|Connection refused|ECONNREFUSED|ETIMEDOUT|Unable to connect to|NewConnectionError|temporary error \(try again later\)/,
    advice: (failed) => noNetwork(failed),
  },
  {
    pattern: /\b407 Proxy Authentication|Proxy Authentication Required|ProxyError|Cannot connect to proxy/i,
    advice: always('The proxy refused: check the user and password in the proxy variables of your environment.'),
  },
  {
    pattern:
      /certificate verify failed|self.signed certificate|unable to get local issuer|SSL certificate problem|certificate is not trusted|certificate verification failed|x509: certificate/i,
    advice: always(
      'A certificate is not trusted, often that of a proxy which looks into connections: COPY its authority to /usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates.',
    ),
  },
  {
    pattern: /Release file .* is not (?:yet valid|valid yet)/,
    advice: always('The package lists come from the future: the clock of this machine is slow, and has to be set.'),
  },
  {
    pattern: /externally-managed-environment/,
    advice: always(
      'This Python belongs to the distribution: make an environment of your own ("python3 -m venv /opt/venv" and ENV PATH=/opt/venv/bin:$PATH), or give pip --break-system-packages.',
    ),
  },
  {
    pattern: /exec: "(?:\/bin\/sh|\/bin\/bash)": no such file or directory/,
    advice: always(
      'The image has no shell: run the program itself, as RUN ["/program", "argument"], or do the work in another stage and COPY --from it.',
    ),
  },
  {
    pattern: /exec: "([^"\n]{1,200})": its interpreter does not exist|bad interpreter: No such file/,
    advice: always(
      'The first line of the script names a program that the image lacks: correct it, or install the program.',
    ),
  },
  {
    pattern:
      /(?:^|[\s:])([\w.+/-]{1,80}): (?:command )?not found|exec: "([^"\n]{1,80})": (?:executable file not found|no such)/m,
    advice: missingProgram,
  },
];

/** What the output of a failed step says is to be done; `undefined` if it is nothing well-known. */
export function outputAdvice(failed: FailedRun): string | undefined {
  for (const { pattern, advice } of CAUSES) {
    const match = pattern.exec(failed.tail);
    const found = match === null ? undefined : advice(failed, match);
    if (found !== undefined) return found;
  }
  return undefined;
}

function missingPackage({ argv }: FailedRun, name: string | undefined): string {
  const shown = name === undefined ? 'the package' : `"${name}"`;
  if (/\bapt(?:-get)?\s+(?:-\S+\s+)*update\b/.test(argv.join(' '))) {
    return `The lists of packages do not have ${shown}: check its name, and whether this release of the distribution has it.`;
  }
  return `The image brings no lists of packages: write "apt-get update && apt-get install -y …" in one RUN. If ${shown} is still missing then, check its name.`;
}

function noNetwork({ network, proxies }: FailedRun): string {
  if (network === 'none') return 'The step has no network: take --network=none (or --network none of the build) away.';
  const names = Object.keys(proxies);
  const local = localProxy(proxies);
  if (local !== undefined && network === 'private') {
    return `The step was given the proxy ${local}, which listens on this host's loopback device: a private network does not reach it. Build with --network host, or have the proxy listen on an address that others see.`;
  }
  if (local !== undefined) {
    return `The network could not be reached, though the step was given the proxy ${local}: check that it runs, on this host.`;
  }
  if (names.length > 0) {
    return `The network could not be reached, though the step was given ${names.join(' and ')}: check these, and whether NO_PROXY leaves out the host.`;
  }
  return 'The network could not be reached. Where a proxy stands in front, set http_proxy and https_proxy in the environment of tsbuild: steps get them, and the image does not.';
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

const MANAGERS: ReadonlySet<string> = new Set(['apt', 'apt-get', 'apk', 'dnf', 'yum', 'microdnf', 'zypper', 'pacman']);

function missingProgram({ result }: FailedRun, [, byShell, byName]: RegExpExecArray): string | undefined {
  const name = (byShell ?? byName ?? '').replace(/^.*\//, '');
  if (name === '' || (result.outcome === 'exited' && result.exitCode === 0)) return undefined;
  if (MANAGERS.has(name)) {
    return `The image has no ${name}: Debian and Ubuntu have apt-get, Alpine apk, Fedora and its kin dnf.`;
  }
  return `The image has no "${name}": install it in a step above, or check its name and PATH.`;
}
