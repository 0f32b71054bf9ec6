import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BuildRequest, BuildResult } from '../../../src/builder/build-request.js';
import { findCommand } from '../../../src/cli/tables/command-table.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { parseDigest } from '../../../src/oci/digest.js';
import type { BuildOptions } from '../../../src/toolchain/toolchain-types.js';
import { BUILT } from './build-result.js';
import { testHost, type TestHost } from './test-host.js';

/** Of kaniko 1.24 and what its fork added. */
const NAMES = `
  annotation bucket build-arg cache cache-copy-layers cache-dir cache-repo cache-run-layers cache-ttl cleanup
  compressed-caching compression compression-level context context-sub-path credential-helpers custom-platform
  destination digest-file dockerfile dryrun force force-build-metadata git ignore-path ignore-var-run
  image-download-retry image-format image-fs-extract-retry image-name-tag-with-digest-file
  image-name-with-digest-file insecure insecure-pull insecure-registry kaniko-dir label log-format log-timestamp
  materialize no-push no-push-cache oci-layout-path pre-cleanup preserve-context
  push-ignore-immutable-tag-errors push-retry registry-certificate registry-client-cert registry-map
  registry-mirror reproducible secret single-snapshot skip-default-registry-fallback skip-push-permission-check
  skip-tls-verify skip-tls-verify-pull skip-tls-verify-registry skip-unused-stages snapshot-mode tar-path target
  use-new-run verbosity
`
  .trim()
  .split(/\s+/);

test('every option of kaniko is taken, or refused with what to do instead', () => {
  const executor = findCommand('executor');
  const taken = new Set(executor?.options.map(({ name }) => name));
  const instead = new Set(Object.keys(executor?.instead ?? {}));
  expect(NAMES).toHaveLength(64);
  expect(NAMES.filter((name) => !taken.has(name) && !instead.has(name))).toEqual([]);
  expect([...instead].filter((name) => taken.has(name))).toEqual([]);
});

const RESULT: BuildResult = {
  ...BUILT,
  names: [],
  pushed: [{ name: 'r.example/a:1', mediaType: 'm', digest: parseDigest(`sha256:${'3'.repeat(64)}`), size: 9 }],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-executor-'));
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
  await writeFile(join(folder, 'Other'), 'FROM scratch AS other\n');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Asked {
  readonly status: number;
  readonly request: BuildRequest | undefined;
  readonly options: BuildOptions | undefined;
  readonly host: TestHost;
}

async function executor(words: readonly string[], env: Record<string, string> = {}): Promise<Asked> {
  let asked: { request: BuildRequest; options: BuildOptions | undefined } | undefined;
  const build = (request: BuildRequest, options?: BuildOptions): Promise<BuildResult> => {
    asked = { request, options };
    return Promise.resolve(RESULT);
  };
  const host = testHost({ cwd: folder, env, toolchain: { build } });
  const status = await runCli(['executor', ...words], host);
  return { status, request: asked?.request, options: asked?.options, host };
}

test('an image is pushed to its destinations, and the digest goes where it is wanted', async () => {
  const { status, request, options, host } = await executor([
    ...['--context', `dir://${folder}`, '-f', 'Other', '-d', 'r.example/a:1', '--destination=r.example/b'],
    ...['--build-arg', 'A=1', '--label', 'l=v', '--target=other', '--single-snapshot', '--snapshot-mode=redo'],
    ...['--digest-file', 'digest', '--image-name-with-digest-file', 'names', '--compression=zstd', '--cleanup'],
  ]);
  expect(host.errors()).toContain('--snapshot-mode has no effect: only what a step writes is looked at');
  expect(status).toBe(0);
  expect(request).toMatchObject({
    contextDirectory: folder,
    dockerfile: { text: 'FROM scratch AS other\n' },
    tags: ['r.example/a:1', 'r.example/b'],
    ...{ buildArgs: { A: '1' }, labels: { l: 'v' }, target: 'other', squash: true },
  });
  expect(options?.outputs).toMatchObject([{ type: 'registry', push: { compression: 'zstd' } }]);
  const { readFile } = await import('node:fs/promises');
  expect(await readFile(join(folder, 'digest'), 'utf8')).toBe(`sha256:${'3'.repeat(64)}`);
  const names = ['r.example/a', 'r.example/b'].map((name) => `${name}@sha256:${'3'.repeat(64)}\n`);
  expect(await readFile(join(folder, 'names'), 'utf8')).toBe(names.join(''));
});

test.each<[readonly string[], Partial<BuildOptions>, Partial<BuildRequest>]>([
  [['--no-push', '--tar-path', 'a,b.tar'], { outputs: [{ type: 'archive', format: 'docker-archive' }] as never }, {}],
  [
    ['--no-push', '--oci-layout-path=l', '--reproducible'],
    { outputs: [{ type: 'layout' }] as never },
    { sourceDateEpoch: 0 },
  ],
  [
    ['-d', 'r.example/a:1', '--cache', '--cache-ttl=24h'],
    { cacheTo: [{ type: 'registry', reference: 'r.example/a/cache', mode: 'max' }] as never },
    { cacheFrom: [{ kind: 'registry', reference: 'r.example/a/cache' }], cacheTtlMs: 86_400_000 },
  ],
  [
    ['--no-push', '--cache=true', '--cache-repo=oci:/c', '--no-push-cache'],
    { cacheTo: [] },
    { cacheFrom: [{ kind: 'local', directory: '/c' }] as never },
  ],
  [['--no-push', '--cache=false', '--custom-platform=linux/arm64'], { cacheTo: [] }, { platform: 'linux/arm64' }],
])('%j', async (words, options, request) => {
  const asked = await executor(['-c', 'dir://.', ...words]);
  expect(asked.host.errors()).not.toContain('error');
  expect(asked.options).toMatchObject(options);
  expect(asked.request).toMatchObject(request);
});

test.each([
  [['-c', 's3://bucket/x'], 'there is no reading s3://'],
  [['-c', 'dir://.'], 'it has no destination'],
  [['-c', 'tar://x', '--context-sub-path=y', '--no-push'], 'a folder of an archive is no context'],
  [['-c', 'dir://.', '--no-push', '--cache'], 'there is no destination to derive a place from'],
  [['--bucket', 'b'], 'tsbuild executor has no such flag'],
])('%j is refused: %s', async (words, message) => {
  const { status, host } = await executor(words);
  expect(status).toBe(2);
  expect(host.errors()).toContain(message);
});
