import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';

const option =
  (kind: OptionSpec['kind']) =>
  (name: string, about: string, more: Partial<OptionSpec> = {}): OptionSpec => ({
    name,
    kind,
    about,
    ...(kind === 'flag' ? {} : { placeholder: kind === 'list' ? 'list' : 'string' }),
    ...more,
  });
const [flag, value, list] = [option('flag'), option('value'), option('list')];

const ignored = (name: string, kind: OptionSpec['kind'], why: string): OptionSpec => ({
  ...option(kind)(name, '', { hidden: true }),
  ignored: why,
});

const SNAPSHOTS = 'only what a step writes is looked at, and files are compared whole';
const CACHED = 'steps of every kind are cached';

/** What kaniko takes and has no meaning here. */
const WITHOUT_EFFECT: readonly OptionSpec[] = [
  ignored('cache-copy-layers', 'flag', CACHED),
  ignored('cache-dir', 'value', 'base images are kept in the store: see --store'),
  ignored('cache-run-layers', 'flag', CACHED),
  ignored('cleanup', 'flag', 'nothing outside the store is written to'),
  ignored('compressed-caching', 'flag', 'layers are written to disk, never held in memory'),
  ignored('force', 'flag', 'a build harms no machine that it runs on'),
  ignored('force-build-metadata', 'flag', 'what instructions say of the image is always written'),
  ignored('ignore-path', 'list', SNAPSHOTS),
  ignored('ignore-var-run', 'flag', SNAPSHOTS),
  ignored('image-fs-extract-retry', 'value', 'unpacking takes no retries'),
  ignored('kaniko-dir', 'value', 'all that is kept is in the store: see --store'),
  ignored('log-timestamp', 'flag', 'with --log-format=json each event has its time'),
  ignored('materialize', 'flag', 'a build changes no file of the container that it runs in'),
  ignored('pre-cleanup', 'flag', 'a build changes no file of the container that it runs in'),
  ignored('preserve-context', 'flag', 'the build context is only read'),
  ignored('skip-push-permission-check', 'flag', 'a push asks for nothing beforehand'),
  ignored('skip-unused-stages', 'flag', 'stages that the target does not need are never built'),
  ignored('snapshot-mode', 'value', SNAPSHOTS),
  ignored('use-new-run', 'flag', SNAPSHOTS),
];

const OPTIONS: readonly OptionSpec[] = [
  list('annotation', 'Add an annotation to the manifest of the image: NAME=value'),
  list('build-arg', 'Set a build argument: NAME=value, or NAME to take it from the environment'),
  flag('cache', 'Look for steps in --cache-repo, and export them to it'),
  value('cache-repo', 'Where steps are cached: NAME, or oci:FOLDER (default: DESTINATION/cache)'),
  value('cache-ttl', 'Do steps anew that were done longer ago, as 24h (default: however old)', {
    placeholder: 'duration',
  }),
  value('compression', 'Compress all layers with "gzip" or "zstd"'),
  value('compression-level', 'Of layers that are compressed', { placeholder: 'number' }),
  value(
    'context',
    'Build context: dir://PATH, tar://FILE, tar://stdin, git://HOST/PATH#REF or https://… (default /workspace)',
    {
      short: 'c',
    },
  ),
  value('context-sub-path', 'Folder in the build context that is taken for it', { placeholder: 'path' }),
  value('custom-platform', 'Platform to build for: os/architecture[/variant]'),
  list('destination', 'Name of the image, which is pushed there', { short: 'd' }),
  value('digest-file', 'Write the digest of the image to a file', { placeholder: 'path' }),
  value('dockerfile', 'Path of the Dockerfile, also from the build context on', { short: 'f', placeholder: 'path' }),
  list('git', 'How a repository is fetched: branch=NAME; the other keys of kaniko change nothing'),
  flag('dryrun', 'Tell what the build would do; nothing is run, built or pushed'),
  value('image-format', 'Media types: "docker" or "oci"'),
  value('image-name-tag-with-digest-file', 'Write NAME:TAG@DIGEST of each destination to a file', {
    placeholder: 'path',
  }),
  value('image-name-with-digest-file', 'Write NAME@DIGEST of each destination to a file', { placeholder: 'path' }),
  flag('insecure', 'The registries of the destinations need no TLS'),
  flag('insecure-pull', 'No registry needs TLS'),
  list('label', 'Set metadata for the image: NAME=value'),
  value('log-format', 'How progress is written: "text", "color" or "json"'),
  flag('no-push', 'Push nothing'),
  flag('no-push-cache', 'Look for steps in --cache-repo, and export none'),
  value('oci-layout-path', 'Write the image to a folder, as an OCI image layout', { placeholder: 'directory' }),
  flag('reproducible', 'Date image and files back to 1970, unless SOURCE_DATE_EPOCH gives another time'),
  list('secret', 'Give RUN --mount=type=secret a value: id=NAME,src=FILE or id=NAME,env=VARIABLE'),
  flag('single-snapshot', "Make one layer of all that are not the base image's"),
  flag('skip-tls-verify', 'The registries of the destinations need no certificate that is known'),
  flag('skip-tls-verify-pull', 'No registry needs a certificate that is known'),
  value('tar-path', 'Write the image to a file that docker load reads', { placeholder: 'path' }),
  value('target', 'Stage to build: a name or a number (default: the last)'),
  value('verbosity', 'How much is told: "error", "warn", "info", "debug" or "trace"', { short: 'v' }),
];

const BUCKETS = 'Fetch the build context first, and give --context=dir://PATH or tar://FILE.';

export function executorCommand(registryOptions: readonly OptionSpec[]): Command {
  return {
    name: 'executor',
    operands: '',
    summary: 'Build and push an image as kaniko is told to',
    options: [...OPTIONS, ...registryOptions, ...WITHOUT_EFFECT],
    positionals: { min: 0, max: 0 },
    instead: {
      b: 'Write --build-arg.',
      bucket: BUCKETS,
      'credential-helpers': "Name helpers in credHelpers of Docker's config.json.",
      'push-ignore-immutable-tag-errors': 'Push under a new tag: no refusal of a registry is passed over.',
    },
    load: () => import('../commands/executor.js'),
  };
}
