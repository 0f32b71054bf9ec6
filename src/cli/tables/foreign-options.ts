import type { OptionSpec } from '../argv.js';

interface Ignored extends OptionSpec {
  readonly ignored: string;
}

const ignored = (name: string, kind: OptionSpec['kind'], why: string): Ignored => ({
  name,
  kind,
  about: '',
  hidden: true,
  ignored: why,
});

/** What scripts for other builders give, and what is so anyhow here: taken with a word of why. */
export const IGNORED_OPTIONS: readonly OptionSpec[] = [
  ignored('builder', 'value', 'there is no daemon to choose'),
  ignored('compress', 'flag', 'the build context is read where it lies, and sent nowhere'),
  ignored('disable-content-trust', 'flag', 'images are checked against their digests, and no signatures are asked for'),
  ignored('force-rm', 'flag', 'a build leaves no container behind'),
  ignored('identity-label', 'flag', 'no image bears a label of its builder'),
  ignored('layers', 'flag', 'steps are always cached, and --squash makes one layer of theirs'),
  ignored('rm', 'flag', 'a build leaves no container behind'),
  ignored('skip-unused-stages', 'flag', 'stages that the target does not need are never built'),
];

const KANIKO = 'It is an option of kaniko, which "tsbuild executor" takes.';
const OUTSIDE = 'Windows is out of the scope of tsbuild: leave it out.';
const NAMESPACES = 'Steps have namespaces of their own wherever the machine allows: see --isolation and --network.';
const ID_MAPS = 'A user namespace has all ids that /etc/subuid and /etc/subgid give to the user: leave it out.';
const NO_BILL =
  'Make the bill of materials of the finished image with a scanner such as syft, from the archive of "tsbuild save".';
const DOCKERFILE_LABEL = 'Write it in the Dockerfile, or build the image FROM another one that lacks it.';
const NO_SIGNATURE = 'Sign the image where it was pushed, with cosign or notation: --digest-file says what to sign.';
const STORE = 'The store is the cache: name its folder with --store or TSBUILD_STORE.';
const PLATFORM = 'Write --platform=os/architecture[/variant], as --platform=linux/arm64.';
const NOT_MEASURED = 'Progress has the time of each step: see --progress=plain and json.';

/** Options of docker, docker buildx, buildah, podman and kaniko that `tsbuild build` does without, and what to do instead. */
export const INSTEAD_OF: Readonly<Record<string, string>> = {
  D: 'Use --on-error=shell to look around where a step fails, and --progress=plain for every line.',
  c: 'Write --cpu-shares.',
  'all-platforms': PLATFORM,
  arch: PLATFORM,
  'blob-cache': STORE,
  bucket: 'Fetch the build context first, and name its folder.',
  cache: 'Steps are cached unless --no-cache says otherwise.',
  'cache-copy-layers': 'Steps of every kind are cached: leave it out.',
  'cache-dir': STORE,
  'cache-repo': 'Write --cache-from=NAME and --cache-to=NAME; add mode=max for all stages.',
  'cache-run-layers': 'Steps of every kind are cached: leave it out.',
  'cap-add': 'Let a step have more rights with RUN --security=insecure and --allow security.insecure.',
  'cap-drop': 'Steps have no more than the usual capabilities, and fewer in a user namespace: leave it out.',
  'cgroup-parent': 'Bound what steps use with --memory and --cpus.',
  cgroupns: NAMESPACES,
  cleanup: 'There is nothing to clean up: leave it out. "tsbuild prune" makes room in the store.',
  'compat-volumes': 'What a step writes below a VOLUME is kept, as with BuildKit: leave it out.',
  'compressed-caching': 'Layers are written to disk, never held in memory: leave it out.',
  context: 'The build context is the argument: tsbuild build PATH.',
  'context-sub-path': 'Name the folder itself, or write URL#REF:FOLDER.',
  'cpp-flag': 'Run cpp over the Dockerfile first, and give it with -f -.',
  'created-annotation': 'Write --annotation org.opencontainers.image.created=TIME.',
  'credential-helpers': "Name helpers in credHelpers of Docker's config.json, or of the file of --authfile.",
  'custom-platform': PLATFORM,
  cw: 'Images for confidential virtual machines are out of the scope of tsbuild.',
  debug: 'Use --on-error=shell to look around where a step fails, and --progress=plain for every line.',
  'decryption-key': 'Encrypted images are not read: decrypt them first, with skopeo copy.',
  destination: 'Write -t NAME and --push.',
  'disable-compression': 'Write --compression=uncompressed for an archive; registries get compressed layers.',
  dockerfile: 'Write -f PATH.',
  env: 'Write ENV in the Dockerfile, with a value from ARG and --build-arg.',
  force: KANIKO,
  'force-build-metadata': KANIKO,
  from: 'Write --build-context NAME=docker-image://OTHER, where NAME is what FROM says.',
  git: 'Write the branch in the address of the repository: URL#BRANCH.',
  'hooks-dir': 'There are no hooks of an OCI runtime: RUN and --volume do what they are used for.',
  'ignore-path': 'Only what a step writes is looked at: leave it out, or mount a cache or tmpfs on the path.',
  'ignore-var-run': 'Only what a step writes is looked at: leave it out.',
  'iidfile-raw': 'Write --iidfile, and cut off what stands before the colon.',
  'image-format': 'Write --format=oci or --format=docker.',
  'image-fs-extract-retry': 'Unpacking takes no retries: leave it out.',
  'image-name-tag-with-digest-file': 'Write --metadata-file, which has names and digest as JSON.',
  'image-name-with-digest-file': 'Write --metadata-file, which has names and digest as JSON.',
  'inherit-annotations':
    'Annotations of base images are not inherited, as with BuildKit: leave it out, or use --annotation.',
  'inherit-labels': DOCKERFILE_LABEL,
  insecure: 'Write --insecure-registry=REGISTRY.',
  'insecure-pull': 'Write --insecure-registry=REGISTRY.',
  ipc: NAMESPACES,
  'kaniko-dir': STORE,
  'layer-label': 'Steps between are no images here: label the result, or a stage with --target.',
  'log-rusage': NOT_MEASURED,
  'log-timestamp': 'Use --progress=json, where each event has its time.',
  loglevel: 'Write --verbosity.',
  logsplit: 'Build one platform at a time, with a --logfile for each.',
  manifest: 'Build all platforms at once with --platform: the index gets the names of -t.',
  materialize: KANIKO,
  mount: 'Write RUN --mount in the Dockerfile, or --volume for a folder of this host.',
  'no-hostname': 'Steps have a host name of their own, which gets into no layer: leave it out.',
  'no-hosts': '/etc/hosts of steps gets into no layer: leave it out.',
  'no-push': 'Nothing is pushed unless --push or --output say so: leave it out.',
  'no-push-cache': 'Give --cache-from without --cache-to.',
  'oci-layout-path': 'Write -o type=oci,tar=false,dest=FOLDER.',
  'omit-history': 'The history is part of what an image is known by, and is always written.',
  os: PLATFORM,
  'os-feature': OUTSIDE,
  'os-version': OUTSIDE,
  pid: NAMESPACES,
  policy: 'Policies in Rego are not evaluated: pin base images by digest.',
  'pre-cleanup': KANIKO,
  'preserve-context': KANIKO,
  print: 'Write --call=outline or --call=targets.',
  'pull-always': 'Write --pull=always.',
  'pull-never': 'Write --pull=never.',
  'push-ignore-immutable-tag-errors':
    'Push under a new tag, or leave out what is there: tsbuild never passes over a refusal.',
  reproducible:
    'The same input gives the same layers; --source-date-epoch is for the times, --check-reproducible tells of the rest.',
  'rusage-logfile': NOT_MEASURED,
  runtime: 'Write --isolation=oci, for which crun or runc is looked up in PATH.',
  'runtime-flag': 'Write --isolation=oci, for which crun or runc is looked up in PATH.',
  'sbom-image-output': NO_BILL,
  'sbom-image-purl-output': NO_BILL,
  'sbom-merge-strategy': NO_BILL,
  'sbom-output': NO_BILL,
  'sbom-purl-output': NO_BILL,
  'sbom-scanner-command': NO_BILL,
  'sbom-scanner-image': NO_BILL,
  'security-opt':
    'Steps have a seccomp filter and no labels: RUN --security=insecure with --allow security.insecure does without.',
  'sign-by': NO_SIGNATURE,
  'signature-policy': 'Signatures are not checked: pin base images by digest.',
  'single-snapshot': 'Write --squash.',
  'skip-push-permission-check': 'A push asks for nothing beforehand: leave it out.',
  'skip-tls-verify': 'Write --insecure-registry=REGISTRY, or --tls-verify=false for all.',
  'skip-tls-verify-pull': 'Write --insecure-registry=REGISTRY, or --tls-verify=false for all.',
  'snapshot-mode': 'Only what a step writes is looked at, and files are compared whole: leave it out.',
  'squash-all': 'Write --squash, and FROM scratch with COPY --from for a single layer of all.',
  'stage-labels': 'Write LABEL in the stage.',
  stdin: 'Give steps a file with --volume, --secret or RUN --mount=type=bind.',
  'tar-path': 'Write -o type=docker,dest=FILE.',
  unsetannotation: 'Annotations of base images are not inherited: leave it out.',
  unsetenv: 'Write ENV NAME= in the Dockerfile.',
  unsetlabel: DOCKERFILE_LABEL,
  'use-new-run': 'Only what a step writes is looked at: leave it out.',
  userns: ID_MAPS,
  'userns-gid-map': ID_MAPS,
  'userns-gid-map-group': ID_MAPS,
  'userns-uid-map': ID_MAPS,
  'userns-uid-map-user': ID_MAPS,
  uts: NAMESPACES,
  variant: PLATFORM,
};
