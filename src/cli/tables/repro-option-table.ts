import type { OptionSpec } from '../argv.js';

/** Of `build`: what makes a build give the same again. `time-options.ts` reads those of times. */
export const REPRO_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'check-reproducible',
    kind: 'flag',
    about: 'Do every step twice, without the cache, and tell which files of which step differ',
  },
  {
    name: 'frozen',
    kind: 'flag',
    about: 'Take nothing that the lock file does not pin (docs/reproducible.md)',
  },
  {
    name: 'lock',
    kind: 'flag',
    about: 'Pin base images, URLs and git references as they are now, in the lock file',
  },
  {
    name: 'lock-file',
    kind: 'value',
    placeholder: 'path',
    about: 'The lock file (default: tsbuild.lock beside the Dockerfile, if there is one)',
  },
  {
    name: 'rewrite-timestamp',
    kind: 'flag',
    about: 'Bound the file times in built layers by SOURCE_DATE_EPOCH, as is usual; =false keeps them',
  },
  {
    name: 'source-date-epoch',
    kind: 'value',
    placeholder: 'seconds',
    about: 'Time of everything in the image, and a bound for file times (default: SOURCE_DATE_EPOCH)',
  },
  {
    name: 'source-policy-file',
    kind: 'value',
    placeholder: 'path',
    about: 'Rules that allow, deny and exchange images, URLs and repositories, as JSON (docs/reproducible.md)',
  },
  {
    name: 'timestamp',
    kind: 'value',
    placeholder: 'seconds',
    about: 'As --source-date-epoch, and the time of every file in built layers',
  },
];
