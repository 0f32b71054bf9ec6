import { expect, test } from 'vitest';
import { findCommand } from '../../../../src/cli/tables/command-table.js';
import { IGNORED_OPTIONS } from '../../../../src/cli/tables/foreign-options.js';

/** Of docker build, docker buildx build, buildah build, podman build and kaniko's executor, in the middle of 2026. */
const NAMES = `
  add-host all-platforms allow annotation arch attest authfile blob-cache bucket build-arg build-arg-file
  build-context build-context builder cache cache-copy-layers cache-dir cache-from cache-repo cache-run-layers
  cache-to cache-ttl call cap-add cap-drop cdi-config-dir cert-dir cgroup-parent cgroupns check cleanup
  compat-volumes compress compressed-caching compression compression-format compression-level context
  context-sub-path cpp-flag cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems created-annotation
  credential-helpers creds custom-platform cw debug decryption-key destination device digest-file
  disable-compression disable-content-trust dns dns-option dns-search dockerfile dryrun env file force
  force-build-metadata force-compression force-rm format from git group-add hooks-dir http-proxy identity-label
  ignore-path ignore-var-run ignorefile iidfile iidfile-raw image-download-retry image-format
  image-fs-extract-retry image-name-tag-with-digest-file image-name-with-digest-file inherit-annotations
  inherit-labels insecure insecure-pull insecure-registry ipc isolation jobs kaniko-dir label layer-label layers
  load log-format log-rusage log-timestamp logfile loglevel logsplit manifest materialize memory memory-swap
  metadata-file mount network no-cache no-cache-filter no-hostname no-hosts no-push no-push-cache
  oci-layout-path omit-history os os-feature os-version output pid platform platform policy pre-cleanup
  preserve-context print progress provenance pull pull-always pull-never push push-ignore-immutable-tag-errors
  push-retry quiet registry-certificate registry-client-cert registry-map registry-mirror reproducible resource
  retry retry-delay rewrite-timestamp rm runtime runtime-flag rusage-logfile save-stages sbom sbom-image-output
  sbom-image-purl-output sbom-merge-strategy sbom-output sbom-purl-output sbom-scanner-command
  sbom-scanner-image secret secret security-opt shm-size sign-by signature-policy single-snapshot
  skip-default-registry-fallback skip-push-permission-check skip-tls-verify skip-tls-verify-pull
  skip-tls-verify-registry skip-unused-stages snapshot-mode source-date-epoch source-policy-file squash
  squash-all ssh stage-labels stdin tag tar-path target timestamp tls-verify ulimit ulimit unsetannotation
  unsetenv unsetlabel use-new-run userns userns-gid-map userns-gid-map-group userns-uid-map userns-uid-map-user
  uts variant verbosity volume
`
  .trim()
  .split(/\s+/);

const build = findCommand('build');

test('every option of another builder is taken, or refused with what to do instead', () => {
  const taken = new Set(build?.options.map(({ name }) => name));
  const instead = new Map(Object.entries(build?.instead ?? {}));
  expect(NAMES).toHaveLength(202);
  expect(NAMES.filter((name) => !taken.has(name) && !instead.has(name))).toEqual([]);
});

test('no words of refusal are there for nothing, nor for an option of nobody', () => {
  const names = new Set(NAMES);
  const words = Object.entries(build?.instead ?? {});
  expect(words.filter(([name]) => name.length > 1 && !names.has(name))).toEqual([]);
  expect(words.filter(([, text]) => !/^[A-Z/].+\.$/.test(text))).toEqual([]);
});

test('what is taken without effect has a reason, and is in no help text', () => {
  expect(IGNORED_OPTIONS.filter(({ ignored, hidden }) => ignored === undefined || hidden !== true)).toEqual([]);
});
