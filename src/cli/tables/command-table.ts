import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';
import { executorCommand } from './executor-option-table.js';
import { IGNORED_OPTIONS, INSTEAD_OF } from './foreign-options.js';
import { bakeCommand } from '../bake/bake-command.js';
import { COMPLETION } from '../completion/completion-command.js';
import { DIFF, EXPLORE, HISTORY, IMAGES, INSPECT } from './image-commands.js';
import { CACHE_OPTIONS, COMPRESSION_LEVEL, LOG_OPTIONS, OUTPUT_OPTIONS } from './output-option-table.js';
import { CACHE_MOUNT, DF, FSCK, INFO, PRUNE } from './store-commands.js';
import { RUN_IMAGE } from './run-image-command.js';
import { LOGIN, LOGOUT, PULL, PUSH } from './registry-commands.js';
import { REGISTRY_OPTIONS } from './registry-option-table.js';
import { REPRO_OPTIONS } from './repro-option-table.js';
import { RUN_OPTIONS } from './run-option-table.js';
import { BUILD_STEP_OPTIONS, stepOptions } from './step-option-table.js';

const platform = (about: string): OptionSpec => ({ name: 'platform', kind: 'value', placeholder: 'string', about });
const platforms = (about: string): OptionSpec => ({ name: 'platform', kind: 'list', placeholder: 'list', about });
const quiet = (about: string): OptionSpec => ({ name: 'quiet', short: 'q', kind: 'flag', about });
const progress: OptionSpec = {
  name: 'progress',
  kind: 'value',
  placeholder: 'string',
  about: 'How progress is shown: "auto", "plain", "tty", "json" (or "rawjson") or "quiet" (default "auto")',
};
const anyNumber = (min: number): Command['positionals'] => ({ min, max: Number.POSITIVE_INFINITY });
const exactly = (count: number): Command['positionals'] => ({ min: count, max: count });

const buildArgument: OptionSpec = {
  name: 'build-arg',
  kind: 'list',
  placeholder: 'list',
  about: 'Set a build argument: NAME=value, or NAME to take it from the environment',
};
const buildArgumentFile: OptionSpec = {
  name: 'build-arg-file',
  kind: 'list',
  placeholder: 'path',
  about: 'Read build arguments from a file: a line for each, as --build-arg takes it',
};
const buildContext: OptionSpec = {
  name: 'build-context',
  kind: 'list',
  placeholder: 'list',
  about: 'Use another folder or image for a name: NAME=PATH, docker-image://…, oci-layout://…, git or URL',
};
const file: OptionSpec = {
  name: 'file',
  short: 'f',
  kind: 'value',
  placeholder: 'string',
  about: 'Name of the Dockerfile, or - for standard input (default: Dockerfile in the build context)',
};
const target: OptionSpec = {
  name: 'target',
  kind: 'value',
  placeholder: 'string',
  about: 'Stage to build: a name or a number (default: the last)',
};

const build: Command = {
  name: 'build',
  operands: 'PATH | URL | -',
  summary: 'Build an image from a Dockerfile',
  options: [
    ...REGISTRY_OPTIONS,
    buildArgument,
    buildArgumentFile,
    buildContext,
    ...CACHE_OPTIONS,
    {
      name: 'call',
      kind: 'value',
      placeholder: 'string',
      about:
        'Ask about the Dockerfile instead of building: "check", "outline" or "targets", with ",format=json" for programs',
    },
    { name: 'check', kind: 'flag', about: 'Shorthand for --call=check' },
    {
      name: 'dry-run',
      kind: 'flag',
      about: 'Tell what the build would do: steps, images, files of the context; nothing is run, built or pushed',
    },
    { name: 'dryrun', kind: 'flag', about: '', hidden: true },
    {
      name: 'explain',
      kind: 'flag',
      about: 'Tell of each step that is not cached what has changed since the last build',
    },
    file,
    {
      name: 'graph',
      kind: 'value',
      placeholder: 'path',
      about: 'Draw what the build did into a file: name.svg, name.png, or DOT',
    },
    ...OUTPUT_OPTIONS,
    {
      name: 'ignorefile',
      kind: 'value',
      placeholder: 'path',
      about: 'Ignore file of the build context (default: that of the Dockerfile, else .dockerignore)',
    },
    { name: 'iidfile', kind: 'value', placeholder: 'string', about: 'Write the image ID to a file' },
    {
      name: 'isolation',
      kind: 'value',
      placeholder: 'string',
      about:
        'How RUN instructions are kept apart from the machine: "auto", "namespaces", "oci", "bwrap" or "chroot" (default "auto")',
    },
    {
      name: 'jobs',
      short: 'j',
      kind: 'value',
      placeholder: 'number',
      about: 'How many steps may be at work at once (default: the number of processors, and 4 at least)',
    },
    { name: 'label', kind: 'list', placeholder: 'list', about: 'Set metadata for the image: NAME=value' },
    ...LOG_OPTIONS,
    {
      name: 'network',
      kind: 'value',
      placeholder: 'string',
      about: 'Network of RUN instructions: "host", "none", or "private" with pasta or slirp4netns (default "host")',
    },
    { name: 'no-cache', kind: 'flag', about: 'Do not use the cache' },
    {
      name: 'no-cache-filter',
      kind: 'list',
      placeholder: 'list',
      about: 'Do not use the cache for a stage: a name or a number',
    },
    platforms('Platforms to build for: os/architecture[/variant] or "local"; several make an index'),
    progress,
    {
      name: 'on-error',
      kind: 'value',
      placeholder: 'string',
      about: 'When a RUN fails: "stop", or "shell" to look around in its sandbox first (default "stop")',
    },
    {
      name: 'pull',
      kind: 'flag',
      words: ['always', 'missing', 'newer', 'never'],
      about:
        'Always ask the registry for newer base images; =newer: if it can be reached, =never: not even for missing ones',
    },
    quiet('Print nothing but the image ID on success'),
    {
      name: 'report',
      kind: 'value',
      placeholder: 'path',
      about: 'Write a page about the build to a file: timeline, graph, steps with their output, layers',
    },
    { name: 'tag', short: 't', kind: 'list', placeholder: 'list', about: 'Name the image: name[:tag]' },
    target,
    ...RUN_OPTIONS,
    ...stepOptions({ one: 'a RUN instruction', all: 'RUN instructions' }),
    ...BUILD_STEP_OPTIONS,
    ...REPRO_OPTIONS,
    ...IGNORED_OPTIONS,
  ],
  positionals: exactly(1),
  instead: INSTEAD_OF,
  load: () => import('../commands/build.js'),
};

/** Options of a build by which a step is known, or found. */
const KEYED: ReadonlySet<string> = new Set([
  ...['authfile', 'build-arg', 'build-arg-file', 'build-context', 'cache-from', 'file', 'ignorefile', 'network'],
  ...['no-cache', 'no-cache-filter', 'platform', 'pull', 'target'],
  ...RUN_OPTIONS.map(({ name }) => name),
]);

const explain: Command = {
  name: 'explain',
  operands: '[PATH | URL | -]',
  summary: 'Tell which steps a build would do, and what has changed since they were last done',
  options: [
    { name: 'all', short: 'a', kind: 'flag', about: 'Show the steps that are cached, too' },
    { name: 'json', kind: 'flag', about: 'Print JSON, for programs' },
    ...build.options.filter(({ name }) => KEYED.has(name)),
  ],
  positionals: { min: 0, max: 1 },
  load: () => import('../commands/explain.js'),
};

const saveOptions: readonly OptionSpec[] = [
  {
    name: 'checksum',
    kind: 'flag',
    about: 'Keep the digest of the file in SHA256SUMS beside it; always done for parts',
  },
  {
    name: 'compress',
    kind: 'value',
    placeholder: 'string',
    about:
      'How layers are compressed: "none", "gzip" or "zstd", which Docker reads since 23 (default: as they are kept)',
  },
  // What push and docker buildx call it.
  { name: 'compression', kind: 'value', placeholder: 'string', about: '', hidden: true },
  COMPRESSION_LEVEL,
  {
    name: 'format',
    kind: 'value',
    placeholder: 'string',
    about: '"docker-archive", "oci-archive" or "oci-dir" (default "docker-archive")',
  },
  {
    name: 'output',
    short: 'o',
    kind: 'value',
    placeholder: 'path',
    about: 'Write to a file, or a folder for "oci-dir", instead of standard output',
  },
  platforms('Platforms to save of an image for several: os/architecture[/variant] (default: what is in the store)'),
  progress,
  quiet('Show no progress'),
  {
    name: 'since',
    kind: 'list',
    placeholder: 'image|file',
    about: 'Leave out layers that the receiver has: those of an image in the store, or of an archive or layout',
  },
  {
    name: 'split',
    kind: 'value',
    placeholder: 'bytes',
    about: 'Cut the archive into parts such as 4GB or 700M: FILE.001 and so on, with SHA256SUMS',
  },
];

const bake = bakeCommand([
  ...REGISTRY_OPTIONS,
  ...build.options.filter(({ name }) => ['isolation', 'jobs', 'progress'].includes(name)),
]);

export const COMMANDS: readonly Command[] = [
  build,
  bake,
  {
    name: 'bootstrap',
    operands: '',
    summary: "Make a base image out of this machine's own programs",
    options: [
      { name: 'include', kind: 'list', placeholder: 'program', about: 'Program to take along, with its libraries' },
      progress,
      quiet('Print nothing but the image ID on success'),
      { name: 'tag', short: 't', kind: 'value', placeholder: 'string', about: 'Name the image: name[:tag]' },
    ],
    positionals: exactly(0),
    load: () => import('../commands/bootstrap.js'),
  },
  CACHE_MOUNT,
  {
    name: 'check',
    operands: 'PATH | -',
    summary: 'Check a Dockerfile for mistakes without building it',
    options: [
      buildArgument,
      file,
      { name: 'format', kind: 'value', placeholder: 'string', about: '"text" or "json" (default "text")' },
      platform('Platform to check for: os/architecture[/variant]'),
      { ...target, about: 'Stage to check: a name or a number (default: all stages)' },
    ],
    positionals: exactly(1),
    load: () => import('../commands/check.js'),
  },
  COMPLETION,
  {
    name: 'copy',
    operands: 'SOURCE DESTINATION',
    summary: 'Copy an image between registry, store, archive and OCI layout',
    options: [
      ...REGISTRY_OPTIONS,
      { name: 'all', short: 'a', kind: 'flag', about: 'Copy all that an index lists, for whatever platform' },
      platforms("Platforms to copy of an image for several: os/architecture[/variant] (default: this machine's)"),
      progress,
      quiet('Show no progress, print only the digest'),
    ],
    about: [
      'Places of images:',
      '  docker://NAME[:TAG|@DIGEST]      a registry',
      '  docker-archive:FILE[:NAME:TAG]   an archive that docker load reads',
      '  oci-archive:FILE[:NAME]          an OCI image layout in an archive',
      '  oci:FOLDER[:NAME]                an OCI image layout',
      '  [store:]NAME[:TAG]               the store of tsbuild',
    ],
    positionals: exactly(2),
    load: () => import('../commands/copy.js'),
  },
  DF,
  DIFF,
  EXPLORE,
  executorCommand(REGISTRY_OPTIONS),
  explain,
  FSCK,
  {
    name: 'graph',
    operands: 'PATH | URL | -',
    summary: 'Draw what a build would do as a graph: in the DOT language, as SVG or as PNG',
    options: [
      buildArgument,
      buildContext,
      file,
      {
        name: 'format',
        kind: 'value',
        placeholder: 'string',
        about: '"dot", "svg" or "png" (default: as the name of the file ends, else "dot")',
      },
      {
        name: 'output',
        short: 'o',
        kind: 'value',
        placeholder: 'path',
        about: 'Write to a file instead of standard output',
      },
      platform('Platform to plan for: os/architecture[/variant]'),
      target,
    ],
    positionals: exactly(1),
    load: () => import('../commands/graph.js'),
  },
  HISTORY,
  IMAGES,
  INFO,
  INSPECT,
  {
    name: 'load',
    operands: '',
    summary: 'Load images from an archive or standard input',
    options: [
      {
        name: 'input',
        short: 'i',
        kind: 'list',
        placeholder: 'path',
        about:
          'Read from a file, from parts (the first, or all of them), or from an OCI layout, instead of standard input',
      },
      platform('Variant to load of an image for several: os/architecture[/variant]'),
      progress,
      quiet('Show no progress'),
    ],
    positionals: exactly(0),
    load: () => import('../commands/load.js'),
  },
  LOGIN,
  LOGOUT,
  PRUNE,
  PULL,
  PUSH,
  {
    name: 'rmi',
    operands: 'IMAGE [IMAGE...]',
    summary: 'Remove images',
    options: [
      {
        name: 'force',
        short: 'f',
        kind: 'flag',
        about: 'Remove the image with all its names; a missing one is no error',
      },
    ],
    positionals: anyNumber(1),
    load: () => import('../commands/rmi.js'),
  },
  RUN_IMAGE,
  {
    name: 'save',
    operands: 'IMAGE [IMAGE...]',
    summary: 'Save images to an archive that docker, podman and skopeo read',
    options: saveOptions,
    positionals: anyNumber(1),
    load: () => import('../commands/save.js'),
  },
  {
    name: 'tag',
    operands: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    summary: 'Give an image a further name',
    options: [],
    positionals: exactly(2),
    load: () => import('../commands/tag.js'),
  },
  {
    name: 'version',
    operands: '',
    summary: 'Show the version of tsbuild',
    options: [],
    positionals: exactly(0),
    load: () => import('../commands/version.js'),
  },
  {
    name: 'help',
    operands: '[COMMAND]',
    summary: 'Show help for a command',
    options: [],
    positionals: { min: 0, max: 1 },
    load: () => import('../commands/help.js'),
  },
];

export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
