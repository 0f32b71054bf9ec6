import type { OptionSpec } from './argv.js';

/** Of `build`: where steps are looked for, and where they go (`build-cache.ts`). */
export const CACHE_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'cache-from',
    kind: 'list',
    placeholder: 'list',
    about: 'Look for steps in a cache: NAME, type=registry,ref=NAME or type=local,src=FOLDER (docs/cache.md)',
  },
  {
    name: 'cache-to',
    kind: 'list',
    placeholder: 'list',
    about:
      'Export the steps as a cache: type=registry,ref=NAME or type=local,dest=FOLDER, with mode=min|max and mounts=true, or type=inline',
  },
];

/** Of `build`: where the result goes, and what is said of it. `build-outputs.ts` and `build-metadata.ts` read them. */
export const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'annotation',
    kind: 'list',
    placeholder: 'list',
    about:
      'Add an annotation to the manifest of the image: NAME=value; "index:" or "manifest[linux/amd64]:" before it says to what',
  },
  { name: 'attest', kind: 'list', placeholder: 'list', about: '', hidden: true },
  {
    name: 'load',
    kind: 'flag',
    about: 'Hand the image to the dockerd or podman of this machine; shorthand for --output=type=docker',
  },
  {
    name: 'metadata-file',
    kind: 'value',
    placeholder: 'string',
    about: 'Write names and digests of the result to a file, as JSON',
  },
  {
    name: 'output',
    short: 'o',
    kind: 'list',
    placeholder: 'list',
    about:
      'Where the result goes: FOLDER, or type=image|registry|docker|oci|tar|local|cacheonly with dest=PATH and more (docs/outputs.md)',
  },
  { name: 'provenance', kind: 'value', about: '', hidden: true },
  { name: 'push', kind: 'flag', about: 'Push the image to its registry; shorthand for --output=type=registry' },
  { name: 'sbom', kind: 'value', about: '', hidden: true },
];
