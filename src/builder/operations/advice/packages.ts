import { suggest } from '../../../support/suggest.js';
import type { Distribution } from './image-facts.js';

/** What has to be written to install packages. */
const INSTALL: Readonly<Record<Distribution, string>> = {
  debian: 'apt-get update && apt-get install -y',
  alpine: 'apk add --no-cache',
  fedora: 'dnf install -y',
  suse: 'zypper -n install',
  arch: 'pacman -Sy --noconfirm',
};

const NAMES_OF = ['debian', 'alpine', 'fedora'] as const;

/** Programs, and the packages of Debian, Alpine and Fedora that have them; a single word stands for all. */
const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map(
  `add-apt-repository software-properties-common - -
  autoconf autoconf
  automake automake
  bash bash
  bunzip2 bzip2
  bzip2 bzip2
  cargo cargo
  cc gcc build-base gcc
  clang clang
  cmake cmake
  curl curl
  dig dnsutils bind-tools bind-utils
  envsubst gettext-base gettext gettext
  file file
  g++ g++ build-base gcc-c++
  gcc gcc build-base gcc
  git git
  go golang-go go golang
  gpg gnupg gnupg gnupg2
  htpasswd apache2-utils apache2-utils httpd-tools
  ifconfig net-tools
  ip iproute2 iproute2 iproute
  java default-jdk-headless openjdk17-jdk java-17-openjdk-headless
  jq jq
  killall psmisc
  ld binutils
  less less
  locale-gen locales - -
  lsb_release lsb-release lsb-release-minimal -
  lsof lsof
  make make
  mvn maven
  mysql default-mysql-client mysql-client mysql
  nano nano
  nc netcat-openbsd netcat-openbsd nmap-ncat
  netstat net-tools
  nginx nginx
  node nodejs
  npm npm npm nodejs-npm
  nslookup dnsutils bind-tools bind-utils
  openssl openssl
  patch patch
  perl perl
  php php-cli php83 php-cli
  ping iputils-ping iputils iputils
  pip python3-pip py3-pip python3-pip
  pip3 python3-pip py3-pip python3-pip
  pkg-config pkg-config pkgconf pkgconf-pkg-config
  pkill procps procps procps-ng
  ps procps procps procps-ng
  psql postgresql-client postgresql-client postgresql
  python3 python3
  rsync rsync
  ruby ruby
  sqlite3 sqlite3 sqlite sqlite
  ssh openssh-client openssh-client openssh-clients
  ssh-keyscan openssh-client openssh-client openssh-clients
  strace strace
  svn subversion
  tar tar
  telnet telnet busybox-extras telnet
  tree tree
  unzip unzip
  update-ca-certificates ca-certificates ca-certificates -
  useradd passwd shadow shadow-utils
  usermod passwd shadow shadow-utils
  vim vim
  wget wget
  which debianutils which which
  xxd xxd
  xz xz-utils xz xz
  yarn yarnpkg yarn yarnpkg
  zip zip
  zstd zstd`
    .split('\n')
    .map((line) => line.trim().split(' '))
    .map(([program = '', ...packages]) => [program, packages]),
);

/** Programs of almost every image; names that are near to them are taken for slips. */
const COMMON =
  'awk cat chmod chown chgrp cp cut date echo env export expr false find grep groupadd gunzip gzip head hostname install ldconfig ln ls mkdir mktemp mv printf pwd python readlink rm rmdir sed sh sleep sort stat tail tee test touch true uname uniq wc xargs apt-get apk dnf'.split(
    ' ',
  );

/** How to install the package that has a program, as a command; `undefined` where that is not known. */
export function installOf(program: string, distribution: Distribution | undefined): string | undefined {
  const packages = PACKAGES.get(program);
  if (packages === undefined || distribution === undefined) return undefined;
  const column = NAMES_OF.findIndex((name) => name === distribution);
  const named = packages.length === 1 ? packages[0] : packages[column];
  return named === undefined || named === '-' ? undefined : `${INSTALL[distribution]} ${named}`;
}

/** How to install a package that has the same name everywhere; in general words where the distribution is not known. */
export function installPackage(name: string, distribution: Distribution | undefined): string {
  return distribution === undefined ? `install the package ${name}` : `write "RUN ${INSTALL[distribution]} ${name}"`;
}

/** Programs in their own right, near to the name of another. */
const OTHERS: ReadonlySet<string> = new Set([
  'pnpm',
  'nvim',
  'gmake',
  'bmake',
  'trace',
  'clangd',
  'pip2',
  'pipx',
  'node18',
]);

/**
 * The name that was meant where this one is a slip: letters that have changed places, one too many or too few. A name with another
 * letter is that of another program (rake, make).
 */
export function meantProgram(name: string): string | undefined {
  if (name.length < 4 || PACKAGES.has(name) || COMMON.includes(name) || OTHERS.has(name)) return undefined;
  const meant = suggest(
    name,
    [...PACKAGES.keys(), ...COMMON].filter((each) => each.length >= 4),
  );
  return meant !== undefined && isSlip(name, meant) ? meant : undefined;
}

function isSlip(name: string, meant: string): boolean {
  if (name.length === meant.length) return lettersOf(name).sort().join('') === lettersOf(meant).sort().join('');
  const [long, short] = name.length > meant.length ? [name, meant] : [meant, name];
  return lettersOf(long).some((_, index) => long.slice(0, index) + long.slice(index + 1) === short);
}

/** Names of programs that are known have no others than those of ASCII. */
function lettersOf(name: string): string[] {
  return Array.from(name);
}
