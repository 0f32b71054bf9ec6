import { missingYes } from '../../../../parser/checks/script/package-manager.js';
import { runCommands } from '../../../../parser/checks/script/run-commands.js';
import { always, type Cause } from '../cause.js';
import { scriptOf, type FailedRun } from '../failed-run.js';
import { couldNotReach } from './network.js';

/** Managers of the distribution's packages. */
export const PACKAGE_CAUSES: readonly Cause[] = [
  {
    pattern:
      /Do you want to continue\? \[Y\/n\]|Is this ok \[y\/(?:d\/)?N\]|Proceed \(\[y\]\/n\)\?|Continue\? \[y\/n|Proceed with installation\? \[Y\/n\]|\[Y\/n\] Abort\./i,
    advice: (failed) =>
      saysHowItself(failed)
        ? undefined
        : /\bpacman\b/.test(scriptOf(failed))
          ? 'The package manager asked and nobody is there to answer: add --noconfirm ("pacman -S --noconfirm").'
          : 'The package manager asked and nobody is there to answer: add -y ("apt-get install -y").',
  },
  {
    pattern:
      /Please select the geographic area|Geographic area: *$|Country of origin for the keyboard|^Configuring tzdata/m,
    advice: always(
      'A package asked for settings and nobody is there to answer: write "DEBIAN_FRONTEND=noninteractive apt-get install -y …" in the RUN.',
    ),
  },
  {
    pattern:
      /Could not get lock \S+|dpkg frontend lock .*(?:held|another process)|Unable to lock (?:database|the download directory)|waiting for .*lock/i,
    advice: (_, [match]) =>
      match.includes('Permission denied')
        ? undefined
        : 'Another step has the package manager\'s files: give the cache mount sharing=locked ("RUN --mount=type=cache,target=/var/cache/apt,sharing=locked").',
  },
  {
    pattern:
      /does not have a Release file|no longer has a Release file|Cannot find a valid baseurl for repo|Failed to download metadata for repo|mirrorlist.*(?:404|no mirrors)/i,
    advice: (failed) => (couldNotReach(failed) ? undefined : gone(failed)),
  },
  {
    pattern: /Release file .* is not (?:yet valid|valid yet)/,
    advice: always('The package lists come from the future: the clock of this machine is slow, and has to be set.'),
  },
  {
    pattern: /Release file .* (?:is expired|expired)/,
    advice: always(
      'The package lists are older than they may be: this release, or this mirror, is no longer kept up; take a newer base image or another mirror.',
    ),
  },
  {
    pattern:
      /NO_PUBKEY ([0-9A-F]{8,40})|public key is not available|repository .* is not signed|Public key for .* is not installed|UNTRUSTED signature/i,
    advice: (_, [, key]) =>
      `The key${key === undefined ? '' : ` ${key}`} of a package repository is missing: put it into a file below /etc/apt/keyrings, and name it with signed-by= in the line of the repository.`,
  },
  {
    pattern: /gnupg, gnupg2 and gnupg1 do not seem to be installed|apt-key: (?:command )?not found/,
    advice: always(
      'apt-key is no more, and wants gnupg: ADD the key to /etc/apt/keyrings/NAME.asc, and write [signed-by=/etc/apt/keyrings/NAME.asc] in the line of the repository.',
    ),
  },
  {
    pattern:
      /Unable to locate package ([^\s'"]{1,80})|Package '?([^\s'"]{1,80})'? has no installation candidate|Couldn't find any package by/,
    advice: (failed, [, missing, uninstallable]) => missingInApt(failed, missing ?? uninstallable),
  },
  {
    pattern: /Version '([^'\n]{1,80})' for '([^'\n]{1,80})' was not found/,
    advice: (_, [, version = '', name = '']) =>
      `The repository has no version "${version}" of "${name}" (any more): "apt-cache policy ${name}" shows which it has.`,
  },
  {
    pattern:
      /(?:Failed to fetch|Err:\d+) .*404 {1,2}Not Found|404 {1,2}Not Found \[IP|Hash Sum mismatch|File has unexpected size/i,
    advice: staleLists,
  },
  {
    pattern: /unable to select packages|^ {2}(\S{1,80}) \(no such package\)/m,
    advice: (failed) => {
      const [, name] = /^\s*([^\s(]{1,80}) \(no such package\)/m.exec(failed.tail) ?? [];
      return notThere(name, 'pkgs.alpinelinux.org has the names, which are often others than those of Debian');
    },
  },
  {
    pattern:
      /Unable to find a match: (\S{1,80})|No match for argument: (\S{1,80})|No package (\S{1,80}) available|No package matches '([^'\n]{1,80})'/i,
    advice: (_, match) =>
      notThere(
        firstGroup(match),
        'it may be in EPEL or another repository that has to be enabled first ("dnf install -y epel-release")',
      ),
  },
  {
    pattern:
      /Package '([^'\n]{1,80})' not found\.|No provider of '([^'\n]{1,80})' found|'([^'\n]{1,80})' not found in package names/,
    advice: (_, match) => notThere(firstGroup(match), '"zypper -n refresh" in the same RUN fetches the lists'),
  },
  {
    pattern: /error: target not found: (\S{1,80})/,
    advice: (failed, [, name]) =>
      /pacman\s+-S[a-z]*y/.test(scriptOf(failed))
        ? notThere(name, 'it may be in the AUR, which pacman does not take from')
        : `The image brings no lists of packages: write "pacman -Sy --noconfirm ${name ?? '…'}".`,
  },
  {
    pattern: /unmet dependencies|held broken packages|dpkg was interrupted|nothing provides \S+ needed by/i,
    advice: always(
      'The packages do not fit together: do not mix releases in the lists of repositories, ask for no fixed versions of what others depend on, and update the lists in the same RUN.',
    ),
  },
];

function firstGroup([, ...groups]: readonly (string | undefined)[]): string | undefined {
  return groups.find((group) => group !== undefined);
}

/** Then the rule for it speaks, of the very command. */
function saysHowItself({ argv }: FailedRun): boolean {
  return missingYes(runCommands({ form: 'exec', argv })).length > 0;
}

function missingInApt(failed: FailedRun, name: string | undefined): string | undefined {
  // Lists that could not be fetched have no package at all.
  if (couldNotReach(failed)) return undefined;
  const shown = name === undefined ? 'the package' : `"${name}"`;
  if (/\bapt(?:-get)?\s+(?:-\S+\s+)*update\b/.test(scriptOf(failed))) {
    return `The lists of packages do not have ${shown}: check its name, and whether this release of the distribution has it.`;
  }
  return `The image brings no lists of packages: write "apt-get update && apt-get install -y …" in one RUN, and check the name if ${shown} is still missing then.`;
}

function staleLists(failed: FailedRun): string {
  if (/\bapt(?:-get)?\s+(?:-\S+\s+)*update\b/.test(scriptOf(failed))) {
    return 'The lists of packages and the mirror do not agree: try again later, or take another mirror or a newer base image.';
  }
  return 'The lists of packages are those of an older step, and name files that are gone: write "apt-get update && apt-get install -y …" in one RUN.';
}

function gone({ image }: FailedRun): string {
  const old =
    image?.distribution === 'fedora'
      ? 'vault.centos.org has old releases of CentOS'
      : 'archive.debian.org and old-releases.ubuntu.com have old ones';
  return `The repository has no such release, maybe no longer: take a newer base image, or a repository of old releases (${old}).`;
}

function notThere(name: string | undefined, more: string): string {
  return `The repositories do not have ${name === undefined ? 'the package' : `"${name}"`}: check its name; ${more}.`;
}
