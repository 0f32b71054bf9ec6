import { describe, expect, test } from 'vitest';
import type { FailedRun } from '../../../../../src/builder/operations/advice/failed-run.js';
import { failedRunAdvice } from '../../../../../src/builder/operations/advice/failed-run-advice.js';
import type { ImageFacts } from '../../../../../src/builder/operations/advice/image-facts.js';

type Given = Partial<FailedRun> & { readonly exit?: number };

function advise(script: string, tail: string, { exit = 1, ...given }: Given = {}): string {
  return failedRunAdvice({
    argv: ['/bin/sh', '-c', script],
    user: '',
    network: 'host',
    proxies: {},
    result: { outcome: 'exited', exitCode: exit },
    tail,
    ...given,
  });
}

function image(given: Partial<ImageFacts>): ImageFacts {
  return {
    distribution: undefined,
    cwd: '/src',
    platform: 'linux/amd64',
    exists: () => false,
    flawOf: () => undefined,
    ...given,
  };
}

const debian = image({ distribution: 'debian', exists: () => true });
const GENERAL = 'The output above says why; "--progress plain" shows all of it.';

/** As programs have printed it: of Debian 12, BusyBox 1.35, Fedora, Arch and openSUSE. */
const SEEN: readonly (readonly [script: string, tail: string, advice: string, given?: Given])[] = [
  // Packages
  [
    'apt-get install -y less',
    'Err:1 http://deb.debian.org/debian bookworm/main amd64 less amd64 590-2.1~deb12u2\n  404  Not Found [IP: 203.0.113.80 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?',
    'The lists of packages are those of an older step',
    { exit: 100 },
  ],
  [
    'apt-get update && apt-get install -y less',
    'E: Failed to fetch http://deb.debian.org/debian/pool/less.deb  404  Not Found [IP: 203.0.113.80 80]',
    'the mirror do not agree',
  ],
  [
    'apt-get update && apt-get install -y less=1.2.3',
    "Package less is not available, but is referred to by another package.\nE: Version '1.2.3' for 'less' was not found",
    'no version "1.2.3" of "less"',
  ],
  [
    'apt-get update',
    "E: The repository 'http://archive.ubuntu.com/ubuntu lunar Release' does not have a Release file.",
    'The repository has no such release',
  ],
  [
    'apt-get update',
    'E: Release file for http://deb.debian.org/debian/dists/x/InRelease is expired (invalid since 3d). Updates for this repository will not be applied.',
    'older than they may be',
  ],
  [
    'apt-get update',
    "W: GPG error: https://packages.test stable InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 7EA0A9C3F273FCD8\nE: The repository 'https://packages.test stable InRelease' is not signed.",
    'The key of a package repository is missing',
  ],
  [
    'apt-key add x',
    'E: gnupg, gnupg2 and gnupg1 do not seem to be installed, but one of them is required for this operation',
    '[signed-by=/etc/apt/keyrings/NAME.asc]',
  ],
  [
    'apt-get install -y x',
    'E: Could not get lock /var/cache/apt/archives/lock. It is held by process 0',
    'sharing=locked',
    { exit: 100 },
  ],
  [
    'apt-get install -y tzdata',
    'Please select the geographic area in which you live.\n  1. Africa\n\nGeographic area: ',
    'DEBIAN_FRONTEND=noninteractive',
  ],
  [
    'apk add nosuch',
    'ERROR: unable to select packages:\n  nosuch (no such package):\n    required by: world[nosuch]',
    'do not have "nosuch": check its name',
  ],
  ['dnf install -y nosuch', 'No match for argument: nosuch\nError: Unable to find a match: nosuch', 'EPEL'],
  ['yum install -y nosuch', 'No package nosuch available.\nError: Nothing to do', 'do not have "nosuch"'],
  ['zypper -n install nosuch', "Package 'nosuch' not found.", '"zypper -n refresh"', { exit: 104 }],
  ['pacman -S --noconfirm nosuch', 'error: target not found: nosuch', 'write "pacman -Sy --noconfirm nosuch"'],
  ['pacman -S curl', ':: Proceed with installation? [Y/n] ', '--noconfirm'],
  ['yum install x', 'Is this ok [y/d/N]: Exiting on user command', 'write "yum install -y"'],
  // Network
  ['x', 'curl: (6) Could not resolve host: deb.test', 'The network could not be reached'],
  ['x', "wget: bad address 'nosuchhost.test'", 'The network could not be reached'],
  ['x', "wget: unable to resolve host address 'nosuch.invalid'", 'The network could not be reached'],
  [
    'x',
    "fatal: unable to access 'https://git.test/x/': Failed to connect to git.test port 443 after 0 ms: Couldn't connect to server",
    'The network could not be reached',
  ],
  ['x', 'npm error code ENOTFOUND\nnpm error network request to http://registry.test/x failed', 'could not be reached'],
  [
    'go mod download',
    'go: golang.org/x/text@v0.3.7: Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org: no such host',
    'could not be reached',
  ],
  ['gpg --recv-keys X', 'gpg: keyserver receive failed: No name', 'could not be reached'],
  ['apk add x', 'WARNING: Ignoring https://dl-cdn.test/x: temporary error (try again later)', 'could not be reached'],
  [
    'apt-get update; apt-get install -y less',
    "W: Failed to fetch http://nosuch.invalid/debian/dists/bookworm/InRelease  Could not resolve 'nosuch.invalid'\nE: Package 'less' has no installation candidate",
    'The network could not be reached',
    { exit: 100 },
  ],
  [
    'wget http://127.0.0.1:1/',
    "Connecting to 127.0.0.1:1 (127.0.0.1:1)\nwget: can't connect to remote host (127.0.0.1): Connection refused",
    'Nothing answers on 127.0.0.1',
  ],
  ['git clone git@git.test:a/b', 'git@git.test: Permission denied (publickey).', 'RUN --mount=type=ssh'],
  ['git clone git@git.test:a/b', 'Host key verification failed.', 'ssh-keyscan'],
  [
    'git clone https://git.test/a',
    "fatal: could not read Username for 'https://git.test': No such device or address",
    'RUN --mount=type=secret',
  ],
  ['curl x', 'curl: (56) Received HTTP code 407 from proxy after CONNECT', 'The proxy refused'],
  [
    'apt-get update',
    'W: https://deb.test/x: No system certificates available. Try installing ca-certificates.',
    'write "RUN apt-get update && apt-get install -y ca-certificates"',
    { image: image({ distribution: 'debian' }) },
  ],
  [
    'curl x',
    'curl: (60) SSL certificate problem: unable to get local issuer certificate',
    'COPY its authority',
    { image: debian },
  ],
  [
    'curl x',
    'curl: (60) SSL certificate problem: unable to get local issuer certificate',
    'The image trusts no certificate at all: write "RUN apk add --no-cache ca-certificates"',
    { image: image({ distribution: 'alpine' }) },
  ],
  // Memory, disk, limits
  ['dd', "dd: error writing '/dev/shm/x': No space left on device", '--shm-size'],
  ['npm start', 'Error: ENOSPC: System limit for number of file watchers reached', 'max_user_watches'],
  ['x', 'OSError: [Errno 24] Too many open files', '--ulimit nofile'],
  ['make -j', 'bash: fork: retry: Resource temporarily unavailable', 'no more processes'],
  ['x', 'tar: x: Cannot write: Disk quota exceeded', 'quota'],
  // Rights
  ['touch /sys/x', "touch: cannot touch '/sys/x': Read-only file system", 'Files of the kernel such as "/sys/x"'],
  ['touch /b/x', "touch: cannot touch '/b/x': Read-only file system", 'RUN --mount=type=bind,…,rw'],
  ['mount -t tmpfs x /mnt', 'mount: /mnt: permission denied.', 'RUN --security=insecure'],
  ['mknod x b 1 1', 'mknod: x: Operation not permitted', 'RUN --security=insecure'],
  ['mkdir /x', "mkdir: cannot create directory '/x': Permission denied", 'runs as user "app"', { user: 'app' }],
  [
    'git status',
    "fatal: detected dubious ownership in repository at '/src'",
    'git config --global --add safe.directory /src',
    { exit: 128 },
  ],
  ['docker ps', 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.', 'COPY --from'],
  ['chown 5 x', "chown: changing ownership of 'x': Invalid argument", '/etc/subuid'],
  // Scripts
  ['sh x.sh', 'x.sh: 1: set: Illegal option -', 'CRLF'],
  ['sh x.sh', 'x.sh: set: line 1: illegal option -', 'CRLF'],
  ['bash x.sh', 'x.sh: line 1: set: -: invalid option', 'CRLF'],
  ['set -o pipefail; a', '/bin/sh: 1: set: Illegal option -o pipefail', 'knows no pipefail', { exit: 2 }],
  ['source /etc/profile', '/bin/sh: 1: source: not found', 'write ". FILE" instead', { exit: 127 }],
  ['[[ a ]]', '/bin/sh: 1: [[: not found', 'SHELL ["/bin/bash", "-c"]', { exit: 127 }],
  ['x=(a b)', '/bin/sh: 1: Syntax error: "(" unexpected', 'SHELL ["/bin/bash", "-c"]', { exit: 2 }],
  ['[ "ls" ,]', '/bin/sh: 1: [: missing ]', 'it is no JSON', { exit: 2 }],
  [
    '',
    "ls: cannot access '|': No such file or directory",
    '"|" was handed to the program',
    { argv: ['ls', '|', 'wc'] },
  ],
  ['./x', 'sh: ./x: Text file busy', 'in the next', { exit: 126 }],
  // Programs
  ['nosuchprog', '/bin/sh: nosuchprog: not found', 'The image has no "nosuchprog": install it', { exit: 127 }],
  ['pyhton x', '/bin/sh: 1: pyhton: not found', 'did you mean "python"?', { exit: 127 }],
  ['rake', '/bin/sh: 1: rake: not found', 'install it in a step above', { exit: 127 }],
  [
    'dig x',
    '/bin/sh: 1: dig: not found',
    'write "RUN apt-get update && apt-get install -y dnsutils"',
    { exit: 127, image: image({ distribution: 'debian' }) },
  ],
  [
    'dig x',
    '/bin/sh: dig: not found',
    'write "RUN apk add --no-cache bind-tools"',
    { exit: 127, image: image({ distribution: 'alpine' }) },
  ],
  ['python x', '/bin/sh: 1: python: not found', 'write python3', { exit: 127, image: debian }],
  ['./env.py', '/usr/bin/env: ‘ruby’: No such file or directory', 'no "ruby"', { exit: 127 }],
  ['./configure', './configure: line 5: gcc: command not found', 'no "gcc"'],
  ['systemctl start x', '/bin/sh: 1: systemctl: not found', 'No init system', { exit: 127 }],
  [
    'systemctl start x',
    'System has not been booted with systemd as init system (PID 1).\nFailed to connect to bus: Host is down',
    'No init system',
  ],
  ['service nginx start', 'nginx: unrecognized service', 'There is no such service'],
  ['./x', "./x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by ./x)", 'newer C library (2.38)'],
  ['./x', './x: error while loading shared libraries: libxml2.so.2: cannot open shared object file', 'libxml2.so.2'],
  ['./x', 'Error relocating /usr/bin/x: __printf_chk: symbol not found', 'made for glibc'],
  [
    'x',
    'exec: "/bin/bash": no such file or directory',
    'write "RUN apk add --no-cache bash"',
    {
      exit: 127,
      argv: ['/bin/bash', '-c', 'x'],
      image: image({ distribution: 'alpine', exists: (path) => path === '/bin/sh' }),
    },
  ],
  // Languages
  [
    'pip install nosuch',
    'ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)\nERROR: No matching distribution found for nosuch',
    'no "nosuch" for this Python',
  ],
  ['npm ci', 'npm error The `npm ci` command can only install with an existing package-lock.json', 'package-lock.json'],
  ['make', 'make: *** No targets specified and no makefile found.  Stop.', 'which has no Makefile', { exit: 2 }],
  [
    'npm install',
    "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/src/package.json'",
    'The step runs in /src, which has no package.json',
    { image: debian },
  ],
  ['go build', 'go: go.mod file not found in current directory or any parent directory', 'no go.mod'],
  ['cargo build', 'error: could not find `Cargo.toml` in `/` or any parent directory', 'no Cargo.toml'],
  ['python3 x', "UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3", 'LANG=C.UTF-8'],
];

/** What looks like one of the causes and is none. */
const NONE: readonly (readonly [script: string, tail: string, given?: Given])[] = [
  ['curl -f x', 'curl: (22) The requested URL returned error: 404'],
  ['npm install', 'npm error ERESOLVE could not resolve\nnpm error Could not resolve dependency:'],
  ['make test', 'FAIL: 3 of 20 tests\nmake: *** [Makefile:3: test] Error 1', { exit: 2 }],
  ['git clone x', 'remote: Repository not found.\nfatal: repository x: not found', { exit: 128 }],
  ['mvn package', '[ERROR] package foo.bar: not found'],
  ['cat x', 'cat: x: No such file or directory'],
  ['cat x', 'cat: x: Permission denied'],
  ['apt-get update', 'debconf: unable to initialize frontend: Dialog\nsomething else went wrong'],
  ['grep -c ENV x', '0'],
  ['./check', 'Unable to connect to database'],
  ['echo "naïve – text" && false', 'naïve – text'],
  ['tar xf x', 'tar: This does not look like a tar archive', { exit: 2 }],
];

describe('advice by what a step has printed', () => {
  test.each(SEEN.map(([script, tail, advice, given]) => ({ script, tail, advice, given })))(
    '$script with $tail',
    ({ script, tail, advice, given }) => {
      expect(advise(script, tail, given)).toContain(advice);
    },
  );

  test.each(NONE.map(([script, tail, given]) => ({ script, tail, given })))(
    'none for $script with $tail',
    ({ script, tail, given }) => {
      expect(advise(script, tail, given)).toBe(GENERAL);
    },
  );

  test('each is one sentence, and two at most', () => {
    for (const [script, tail, , given] of SEEN) {
      const lines = advise(script, tail, given).split('\n');
      expect(lines.length).toBeLessThanOrEqual(2);
      for (const line of lines) expect(line).toMatch(/^[A-Z"a-z][^\n]*[.?]$/);
    }
  });
});

describe('advice by a look at the program', () => {
  const start = (tail: string, flaw: ReturnType<ImageFacts['flawOf']>, given: Given = {}): string =>
    advise('./run', tail, { exit: 126, image: image({ distribution: 'alpine', flawOf: () => flaw }), ...given });

  test.each([
    [{ kind: 'not-executable' }, '"./run" is not executable: COPY it with --chmod=755'],
    [{ kind: 'windows-lines' }, '"./run" has the line ends of Windows (CRLF)'],
    [{ kind: 'directory' }, '"./run" is a folder'],
    [{ kind: 'missing' }, 'The image has no "./run" below /src: check the path, WORKDIR'],
    [{ kind: 'no-format' }, 'begins neither with "#!"'],
    [
      { kind: 'interpreter', interpreter: '/bin/bash' },
      'which the image lacks: write "RUN apk add --no-cache bash" above',
    ],
    [{ kind: 'loader', loader: '/lib64/ld-linux-x86-64.so.2' }, 'was made for glibc, and the image lacks its loader'],
    [{ kind: 'loader', loader: '/lib/ld-musl-x86_64.so.1' }, 'was made for musl'],
    [{ kind: 'machine', architecture: 'arm64' }, 'is a program for arm64, and the step runs on linux/amd64'],
  ] as const)('%j', (flaw, advice) => {
    expect(start('/bin/sh: 1: ./run: not found', flaw)).toContain(advice);
    expect(start('bash: line 1: ./run: cannot execute: required file not found', flaw, { exit: 127 })).toContain(
      advice,
    );
    expect(start('exec: "./run": its interpreter does not exist', flaw, { argv: ['./run'] })).toContain(advice);
  });

  test('none where the step ended otherwise, or the script went elsewhere before', () => {
    const flaw = { kind: 'not-executable' } as const;
    expect(start('cat: ./run: Permission denied', flaw, { exit: 1 })).toBe(GENERAL);
    const moved = { argv: ['/bin/sh', '-c', 'cd /x && ./run'] };
    expect(start('/bin/sh: 1: ./run: Permission denied', flaw, moved)).not.toContain('"./run"');
  });
});
