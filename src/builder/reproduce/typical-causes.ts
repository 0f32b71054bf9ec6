import type { AspectDifference, FileDifference } from './file-difference.js';

interface Cause {
  readonly path: RegExp;
  readonly fits?: (aspects: readonly AspectDifference[]) => boolean;
  readonly advice: string;
}

const changed = (aspects: readonly AspectDifference[]): boolean => aspects.some(({ aspect }) => aspect === 'content');
/** The time in the header of gzip (RFC 1952, 2.3.1: MTIME is bytes 4 to 7). */
const inGzipTime = (aspects: readonly AspectDifference[]): boolean =>
  aspects.some(({ aspect, offset = -1 }) => aspect === 'content' && offset >= 4 && offset <= 7);
/** Of a compiled file: the source's time is bytes 8 to 11 (PEP 552). */
const PYTHON =
  'Python writes the time of the source into .pyc files: set SOURCE_DATE_EPOCH in the step (ARG), or PYTHONDONTWRITEBYTECODE=1.';

/** The first that fits a file is told. */
const CAUSES: readonly Cause[] = [
  {
    path: /^etc\/machine-id$/,
    advice: 'A machine id is random: empty the file in the step that makes it (: > /etc/machine-id).',
  },
  {
    path: /^var\/cache\/ldconfig\/aux-cache$/,
    advice: 'The cache of ldconfig holds inode numbers: remove /var/cache/ldconfig/aux-cache in the step.',
  },
  {
    path: /^var\/log\/(?:apt|dpkg\.log|alternatives\.log|bootstrap\.log|yum|dnf)/,
    advice: 'Package managers log with the time: remove their files in /var/log in the step.',
  },
  {
    path: /^var\/lib\/(?:apt\/lists|dnf|yum)\//,
    advice: 'Package lists change with the archive: remove them in the step.',
  },
  {
    path: /^var\/cache\/(?:apt|debconf|fontconfig|man)\//,
    advice: 'Files in /var/cache are made anew: remove them in the step.',
  },
  { path: /\.py[co]$/, fits: changed, advice: PYTHON },
  { path: /\.(?:gz|tgz|svgz)$/, fits: inGzipTime, advice: 'gzip writes the time of its input: use gzip -n.' },
  {
    path: /\.(?:zip|jar|war|whl|apk)$/,
    fits: changed,
    advice:
      'Archives of this kind hold the times of their files: give them one with touch -d @$SOURCE_DATE_EPOCH before.',
  },
  {
    path: /\.(?:tar|tgz|txz|tar\.\w+)$/,
    fits: changed,
    advice:
      'tar takes times, owners and the order of the folder: use tar --sort=name --mtime=@$SOURCE_DATE_EPOCH --owner=0 --group=0.',
  },
  { path: /\.a$/, fits: changed, advice: 'Static libraries hold times: make them with ar -D.' },
  {
    path: /(?:^|\/)(?:ssh_host_\w+_key|id_(?:rsa|ed25519|ecdsa))(?:\.pub)?$|\.(?:pem|key|crt)$/,
    fits: changed,
    advice: 'Keys and certificates are random, and the same in every container of the image: make them when it starts.',
  },
  {
    path: /^etc\/(?:shadow|gshadow)-?$/,
    fits: changed,
    advice:
      'Passwords have a random salt, and accounts the day they were made: the latter follows SOURCE_DATE_EPOCH in the step (ARG).',
  },
  {
    path: /^(?:tmp|var\/tmp|root\/\.(?:cache|npm|local))\/|(?:^|\/)__pycache__\//,
    advice: 'Temporary files and caches of tools: remove them in the step, or give them a cache mount.',
  },
];

/** What is known of files that differ, each said once. */
export function typicalCauses(files: readonly FileDifference[]): readonly string[] {
  return [...new Set(files.flatMap((file) => causeOf(file)?.advice ?? []))];
}

function causeOf({ path, aspects }: FileDifference): Cause | undefined {
  return CAUSES.find((cause) => cause.path.test(path) && (cause.fits?.(aspects) ?? true));
}
