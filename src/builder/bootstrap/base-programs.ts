/**
 * The programs of every base image: a shell and what shell scripts expect beside it. `required` ones are in every
 * Linux distribution, the small ones of busybox too; the others come along where the host has them.
 */
export const BASE_PROGRAMS: readonly {
  readonly purpose: string;
  readonly names: string;
  readonly required: boolean;
}[] = [
  { purpose: 'shell', required: true, names: 'sh echo printf test [ true false env expr sleep' },
  {
    purpose: 'files',
    required: true,
    names: 'ls cp mv rm ln mkdir rmdir touch mktemp readlink realpath stat dd du df',
  },
  { purpose: 'modes and owners', required: true, names: 'chmod chown chgrp' },
  { purpose: 'devices', required: true, names: 'mkfifo mknod sync' },
  { purpose: 'paths', required: true, names: 'basename dirname pwd' },
  { purpose: 'text', required: true, names: 'cat head tail cut sort uniq tr wc tee seq paste fold nl od' },
  { purpose: 'digests', required: true, names: 'md5sum sha1sum sha256sum sha512sum' },
  { purpose: 'users and host', required: true, names: 'id whoami groups uname hostid date nproc tty' },
  {
    purpose: 'rest of coreutils',
    required: false,
    names: 'install comm cksum nohup nice timeout base64 truncate shuf',
  },
  { purpose: 'rest of coreutils', required: false, names: 'split tac join numfmt chroot yes link unlink' },
  { purpose: 'search and edit', required: false, names: 'sed grep find xargs awk' },
  { purpose: 'archives', required: false, names: 'tar gzip' },
];
