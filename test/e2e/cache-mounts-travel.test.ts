import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleCache } from '../../src/toolchain/outputs/export-cache.js';
import { digestHex, digestOf } from '../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../src/oci/media-type.js';
import { dockerRegistry, startDockerRegistry, type DockerRegistry } from '../support/docker-registry.js';
import { file, layerTar } from '../support/layer-entries.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

// Each machine is a store of its own.

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-mounts-travel-'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

async function build(machine: string, command: string, ...words: readonly string[]): Promise<CliResult> {
  const env = { TSBUILD_STORE: join(root, machine) };
  if (!existsSync(join(root, machine))) await tsbuild(['bootstrap', '-q', '-t', 'base'], { env });
  const input = `FROM base\nRUN --mount=type=cache,id=log,target=/c,mode=0750 ${command}\n`;
  return await tsbuild(['build', '--progress=plain', '-o', 'type=cacheonly', ...words, '-'], { env, input });
}

describe.skipIf(dockerRegistry.skip)(`with a registry (${dockerRegistry.reason})`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    expect((await build('one', APPEND, ...to('cache'))).stderr).toContain('had 750 600 1');
  });
  afterAll(() => registry.stop());

  const APPEND =
    'echo x >> /c/log && chmod 600 /c/log && echo "had $(stat -c %a /c) $(stat -c %a /c/log) $(wc -l < /c/log)"';
  const to = (name: string): readonly string[] => [
    '--cache-to',
    `type=registry,ref=${registry.host}/${name},mode=max,mounts=true`,
  ];
  const from = (name: string): readonly string[] => ['--cache-from', `${registry.host}/${name}`];

  test('another machine begins with the files, and never loses its own to them', async () => {
    const second = await build('two', `true && ${APPEND}`, ...from('cache'));
    expect(second.stderr).toContain('had 750 600 2');
    const third = await build('two', `true && true && ${APPEND}`, ...from('cache'));
    expect(third.stderr).toContain('had 750 600 3');
  });

  test('a machine that needs none of them hands them on', async () => {
    const passing = await build('three', APPEND, ...from('cache'), ...to('next'));
    expect(passing.stderr).toContain('CACHED');
    const directory = join(root, 'three/cache-mounts');
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
    expect((await build('four', `true && ${APPEND}`, ...from('next'))).stderr).toContain('had 750 600 2');
  });
});

test('an archive that leads out of its folder is left out, and the step begins with an empty one', async () => {
  const tar = await layerTar(file('good', 'g'), file('../evil', 'e'));
  const digest = digestOf(tar);
  const layer = { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size: tar.length }, diffId: digest };
  const mounts = [{ id: '/log', variant: JSON.stringify([0, 0, 0o750]), layer }];
  const cache = assembleCache({ steps: [], mounts }, (cached) => cached.layer.descriptor);
  const folder = join(root, 'hostile');
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  const { manifest, config } = cache;
  for (const bytes of [tar, manifest.bytes, config.bytes]) {
    writeFileSync(join(folder, 'blobs/sha256', digestHex(digestOf(bytes))), bytes);
  }
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const entry = { ...manifest.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));

  const { exitCode, stderr } = await build('victim', 'ls -A /c | wc -l', '--cache-from', `type=local,src=${folder}`);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(stderr).toMatch(/warning: left out cache mount "\/log" of cache .*hostile: /);
  expect(stderr).toMatch(/^#\d+ [\d.]+ 0$/m);
});
