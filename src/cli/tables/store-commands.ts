import type { Command } from '../command.js';

const NO_OPERANDS: Command['positionals'] = { min: 0, max: 0 };

export const CACHE_MOUNT: Command = {
  name: 'cache-mount',
  operands: 'ls | export ID | import ID',
  summary: 'List, export or import the directories of RUN --mount=type=cache',
  options: [
    { name: 'format', kind: 'value', placeholder: 'string', about: 'Of ls: "table" or "json" (default "table")' },
    {
      name: 'input',
      short: 'i',
      kind: 'value',
      placeholder: 'path',
      about: 'Of import: read from a file instead of standard input',
    },
    {
      name: 'output',
      short: 'o',
      kind: 'value',
      placeholder: 'path',
      about: 'Of export: write to a file instead of standard output',
    },
  ],
  about: [
    'An export is a tar, the same bytes for the same files. An import takes one, compressed or not, and replaces the',
    'whole directory, or makes it. Both wait until no step uses it. tsbuild prune --cache-mounts removes them all.',
  ],
  positionals: { min: 1, max: 2 },
  load: () => import('../commands/cache-mount.js'),
};

export const DF: Command = {
  name: 'df',
  operands: '',
  summary: 'Show what takes how much space',
  options: [
    { name: 'format', kind: 'value', placeholder: 'string', about: '"table" or "json" (default "table")' },
    { name: 'verbose', short: 'v', kind: 'flag', about: 'Show every image, cached step, snapshot and cache mount' },
  ],
  positionals: NO_OPERANDS,
  load: () => import('../commands/df.js'),
};

export const FSCK: Command = {
  name: 'fsck',
  operands: '',
  summary: 'Check the store for damage',
  options: [
    { name: 'format', kind: 'value', placeholder: 'string', about: '"text" or "json" (default "text")' },
    { name: 'quick', kind: 'flag', about: 'Do not read the blobs, only look whether they are there' },
    { name: 'repair', kind: 'flag', about: 'Remove what is damaged, or put it aside; nothing else' },
  ],
  about: [
    'Reads everything that the store keeps and compares it with what it should be. Ends with status 1 when damage',
    'remains. Damaged blobs are put aside in the folder "corrupt" of the store, which the next prune empties.',
  ],
  positionals: NO_OPERANDS,
  load: () => import('../commands/fsck.js'),
};

export const INFO: Command = {
  name: 'info',
  operands: '',
  summary: 'Show what this machine has for building, and what it lacks',
  options: [
    { name: 'format', short: 'f', kind: 'value', placeholder: 'string', about: '"text" or "json" (default "text")' },
    { name: 'json', kind: 'flag', about: 'Shorthand for --format json' },
  ],
  about: ['Tries every kind of isolation. Changes nothing, needs no store, no registry and no rights.'],
  positionals: NO_OPERANDS,
  load: () => import('../commands/info.js'),
};

export const PRUNE: Command = {
  name: 'prune',
  operands: '',
  summary: 'Remove what is no longer needed',
  options: [
    { name: 'all', short: 'a', kind: 'flag', about: 'Remove all images and the whole build cache' },
    { name: 'cache-mounts', kind: 'flag', about: 'Remove the directories of RUN --mount=type=cache as well' },
    { name: 'dry-run', kind: 'flag', about: 'Only show what would be removed' },
    {
      name: 'filter',
      kind: 'list',
      placeholder: 'filter',
      about: 'until=24h or a date: only images made before, and the build cache that was not used since',
    },
    { name: 'force', short: 'f', kind: 'flag', about: 'Do not ask' },
    {
      name: 'keep-storage',
      kind: 'value',
      placeholder: 'bytes',
      about:
        'Remove what the build cache takes beyond this, such as 20GB: what was not used for the longest time first',
    },
    {
      name: 'snapshots',
      kind: 'flag',
      about:
        'Remove all snapshots, also of images: layers unpacked or ready to be mounted, made again when a step needs them',
    },
  ],
  about: [
    'Without options: images without a name, and blobs, snapshots and unfinished work that no image and no',
    'cached step needs. With TSBUILD_KEEP_STORAGE set, every build keeps the build cache within that size.',
  ],
  positionals: NO_OPERANDS,
  load: () => import('../commands/prune.js'),
};
