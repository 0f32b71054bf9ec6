import { bytesOfText } from '../../support/byte-string.js';
import type { HostFiles } from './host-files.js';
import type { ImageFiles } from './image-files.js';

const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['proc', 0o755],
  ['root', 0o700],
  ['run', 0o755],
  ['sys', 0o755],
  ['tmp', 0o1777],
  ['usr/bin', 0o755],
  ['usr/lib', 0o755],
  ['usr/local/bin', 0o755],
  ['usr/sbin', 0o755],
  ['var/cache', 0o755],
  ['var/lib', 0o755],
  ['var/log', 0o755],
  ['var/tmp', 0o1777],
];

/** The same on every host: accounts of the host are none of the image's business. */
const FILES: readonly (readonly [path: string, lines: readonly string[]])[] = [
  [
    'etc/passwd',
    [
      'root:x:0:0:root:/root:/bin/sh',
      'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
      'bin:x:2:2:bin:/bin:/bin/false',
      'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
    ],
  ],
  [
    'etc/group',
    // Distributions call the last one by either name; both must work in a `USER` and a `chown`.
    ['root:x:0:', 'daemon:x:1:', 'bin:x:2:', 'tty:x:5:', 'users:x:100:', 'nogroup:x:65534:', 'nobody:x:65534:'],
  ],
  ['etc/nsswitch.conf', ['passwd: files', 'group: files', 'shadow: files', 'hosts: files dns']],
];

/** Where distributions keep the bundle of trusted certificates; programs look in the place of their own distribution. */
const CERTIFICATE_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
] as const;

/** Links instead of directories where the host has merged them into /usr: libraries and scripts count on either. */
const USR_MERGED = ['/bin', '/lib', '/lib64', '/sbin'] as const;

export function addMergedDirectories(host: HostFiles, image: ImageFiles): void {
  for (const path of USR_MERGED) {
    const location = host.locate(bytesOfText(path));
    if (location?.kind === 'directory' && location.passages[0]?.kind === 'symlink') image.addFromHost(location);
  }
}

export function addCertificates(host: HostFiles, image: ImageFiles): void {
  for (const path of CERTIFICATE_FILES) {
    const location = host.locate(bytesOfText(path));
    if (location?.kind === 'file') image.addFromHost(location);
  }
}

/** Last: a symbolic link that came from the host stays, and what belongs below it goes where it leads. */
export function addSkeleton(image: ImageFiles): void {
  for (const [path, mode] of DIRECTORIES) image.addDirectory(bytesOfText(path), mode);
  for (const [path, lines] of FILES) image.addText(bytesOfText(path), lines.map((line) => `${line}\n`).join(''));
}
