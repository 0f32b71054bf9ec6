import type { OptionSpec } from '../argv.js';

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
  {
    name: 'cache-ttl',
    kind: 'value',
    placeholder: 'duration',
    about: 'Do steps anew that were done longer ago, as 24h (default: however old)',
  },
];

export const COMPRESSION_LEVEL: OptionSpec = {
  name: 'compression-level',
  kind: 'value',
  placeholder: 'number',
  about: 'Of layers that are compressed for it: gzip 0 to 9 (default 6), zstd 1 to 22 (default 3)',
};

/** Of commands that write images elsewhere; `image-form.ts` reads them. */
export const FORM_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'compression',
    kind: 'value',
    placeholder: 'string',
    about: 'Compress all layers with "gzip" or "zstd" (default: gzip those built here, the others as they are)',
  },
  COMPRESSION_LEVEL,
  { name: 'force-compression', kind: 'flag', about: 'Compress layers anew that have the compression already' },
  {
    name: 'format',
    kind: 'value',
    placeholder: 'string',
    about: 'Media types: "docker" or "oci" (default: as they are, and oci with zstd)',
  },
];

/** Of `build`: where the result goes, and what is said of it. `build-outputs.ts` and `build-metadata.ts` read them. */
export const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'manifest',
    kind: 'value',
    placeholder: 'name',
    about: 'Add the image to this manifest list in the store, or make it; one for the same platform is replaced',
  },
  {
    name: 'annotation',
    kind: 'list',
    placeholder: 'list',
    about:
      'Add an annotation to the manifest of the image: NAME=value; "index:" or "manifest[linux/amd64]:" before it says to what',
  },
  ...FORM_OPTIONS,
  // As buildah calls it.
  { name: 'compression-format', kind: 'value', placeholder: 'string', about: '', hidden: true },
  {
    name: 'digest-file',
    kind: 'value',
    placeholder: 'string',
    about: 'Write the digest of the manifest to a file, as the registry has it where the image was pushed',
  },
  {
    name: 'save-stages',
    kind: 'flag',
    about: 'Keep the stages that the result is made of as images, too: NAME:TAG-STAGE for each name of the result',
  },
  { name: 'squash', kind: 'flag', about: "Make one layer of all that are not the base image's" },
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

/** Of `build`: what is told of it, and where. */
export const LOG_OPTIONS: readonly OptionSpec[] = [
  { name: 'logfile', kind: 'value', placeholder: 'path', about: 'Write progress to a file instead of standard error' },
  {
    name: 'log-format',
    kind: 'value',
    placeholder: 'string',
    about: 'How progress is written: "text", "color" or "json"; the same as --progress=plain and json',
  },
  {
    name: 'verbosity',
    kind: 'value',
    placeholder: 'string',
    about: 'How much is told: "error" and "warn" for failures alone, "info", or "debug" and "trace" for every line',
  },
];
