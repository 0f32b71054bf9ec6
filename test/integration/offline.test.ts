import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.js';
import { openStore } from '../../src/store/open-store.js';
import { classicMembers, tarOf } from '../support/archive-builder.js';
import { dockerRegistry, startDockerRegistry, type DockerRegistry } from '../support/docker-registry.js';
import { layerTar, putSampleImage, type SampleLayer } from '../support/sample-images.js';
import { tsbuild, type CliOptions, type CliResult } from '../support/tsbuild.js';

const CLI = fileURLToPath(new URL('../../dist/bin/tsbuild.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offline-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const run = (store: string, words: string, options: CliOptions = {}): Promise<CliResult> =>
  tsbuild(['--store', path(store), ...words.split(' ')], { cwd: folder, ...options });

async function ok(store: string, words: string, options: CliOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(store, words, options);
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  return stdout;
}

/** What does not compress, so that the layer's blob is large. */
function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at < size; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

async function largeLayers(): Promise<readonly SampleLayer[]> {
  return [
    { tar: await layerTar({ first: noise(6 << 20, 1) }), compression: 'gzip' },
    { tar: await layerTar({ second: noise(5 << 20, 2) }), compression: 'gzip' },
    { tar: await layerTar({ third: 'small' }) },
  ];
}

async function fill(store: string, name: string, layers?: readonly SampleLayer[]): Promise<string> {
  using opened = await openStore(path(store));
  return (await putSampleImage(opened, layers ?? (await largeLayers()), name)).imageId;
}

async function imagesIn(store: string): Promise<readonly unknown[]> {
  using opened = await openStore(path(store));
  return await opened.images.list();
}

describe('an image on its way to a server without a network', () => {
  test('goes in parts, with their checksums, and a newer one without what is there', async () => {
    await fill('here', 'x:1');
    await ok('here', 'save --split 4M -o x.tar x:1');
    const parts = readdirSync(folder).filter((name) => name.startsWith('x.tar'));
    expect(parts.length).toBeGreaterThan(2);
    expect(spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: folder }).status).toBe(0);
    expect(await ok('there', 'load -i x.tar.001')).toBe('Loaded image: x:1\n');

    await fill('here', 'x:2', [...(await largeLayers()), { tar: await layerTar({ fourth: 'new' }) }]);
    await ok('here', 'save --since x:1 -o new.tar x:2');
    expect(readFileSync(path('new.tar')).length).toBeLessThan(100_000);
    expect(await ok('there', 'load -i new.tar')).toBe('Loaded image: x:2\n');
    await ok('here', 'save --since x.tar.001 -o same.tar x:2');
    expect(readFileSync(path('same.tar')).length).toBeLessThan(100_000);
    expect(await ok('there', 'save x:2 -o back.tar')).toBe('');
    await ok('here', 'save x:2 -o whole.tar');
    expect(readFileSync(path('back.tar')).equals(readFileSync(path('whole.tar')))).toBe(true);

    const lacking = await run('elsewhere', 'load -i new.tar');
    expect(lacking.exitCode).toBe(6);
    expect(lacking.stderr).toMatch(/3 layers of "docker.io\/library\/x:2" are neither in it nor in the store: sha256:/);
    expect(lacking.stderr).toContain('without the layers of docker.io/library/x:1');
    expect(await imagesIn('elsewhere')).toEqual([]);
  });

  test.each(['plain', 'json'])('shows bytes and ends with --progress=%s', async (mode) => {
    await fill('here', 'x:1');
    const { stderr, exitCode } = await run('here', `save --progress ${mode} -o x.tar x:1`);
    expect(exitCode).toBe(0);
    if (mode === 'plain') expect(stderr).toMatch(/#1 writing images: ([\d.]+MB) \/ \1 [\d.]+s done/);
    else {
      const events = stderr.trim().split('\n');
      const [last, totals] = events.slice(-2).map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(last).toMatchObject({ type: 'transfer', direction: 'write', done: true, step: 'save' });
      expect(last?.['current']).toBe(last?.['total']);
      expect(totals).toMatchObject({ type: 'totals' });
    }
    const loaded = await run('there', `load --progress ${mode} -i x.tar`);
    expect(loaded.stderr).toContain(mode === 'plain' ? 'transferring archive: ' : '"direction":"read"');
  });

  test('threads find a large layer whose content is not what the config says', async () => {
    const layers = await largeLayers();
    const lying = layers.map((layer, index) => (index === 1 ? { ...layer, diffId: digestOf('a lie') } : layer));
    writeFileSync(path('x.tar'), await tarOf(classicMembers(lying, ['x:1'])));
    const { exitCode, stderr } = await run('there', 'load -i x.tar');
    expect(exitCode).toBe(6);
    expect(stderr).toContain(digestOf(layers[1]?.tar ?? ''));
    const cut = gzipSync(layers[0]?.tar ?? '').subarray(0, -9);
    const members = classicMembers(layers, ['x:1']).map(([name, member], index) => [name, index === 0 ? cut : member]);
    writeFileSync(path('x.tar'), await tarOf(members as unknown as Parameters<typeof tarOf>[0]));
    const damaged = await run('there', 'load -i x.tar');
    expect(damaged.stderr).toContain('cut off');
    expect(damaged.exitCode).toBe(6);
    expect(await imagesIn('there')).toEqual([]);
    expect(readdirSync(path('there/blobs/sha256'))).toEqual([]);
  });
});

describe('save and load, interrupted', () => {
  test('by kill -9 have named nothing, and the next one succeeds', async () => {
    await fill('here', 'x:1');
    await ok('here', 'save -o x.tar x:1');
    for (const milliseconds of [150, 250, 400]) {
      await killedAfter(milliseconds, ['load', '-i', path('x.tar')], 'there');
      await killedAfter(milliseconds, ['save', '--split', '1M', '-o', path('y.tar'), 'x:1'], 'here');
      // The first part is there only when all is; then nothing was interrupted.
      if (existsSync(path('y.tar.001')))
        expect(spawnSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: folder }).status).toBe(0);
    }
    expect(await ok('there', 'load -i x.tar')).toBe('Loaded image: x:1\n');
    await ok('here', 'save --split 1M -o z.tar x:1');
    expect(await ok('there2', 'load -i z.tar.001')).toBe('Loaded image: x:1\n');
  });

  test('by Ctrl-C leave nothing', async () => {
    await fill('here', 'x:1');
    await ok('here', 'save -o x.tar x:1');
    const fifo = path('pipe');
    spawnSync('mkfifo', [fifo]);
    // Something comes, and no end.
    const feeder = spawn(
      'sh',
      ['-c', `exec 3>"${fifo}"; for n in 1 2 3 4 5 6; do head -c 1000000 x.tar >&3; sleep 0.3; done; sleep 60`],
      { cwd: folder },
    );
    try {
      const options = { interruptAt: /"direction":"read","current":[1-9]/ };
      const { exitCode, stderr } = await run('there', 'load --progress json -i pipe', options);
      expect(stderr).toContain('"code":"ABORTED"');
      expect(exitCode).toBe(130);
    } finally {
      const gone = once(feeder, 'exit');
      feeder.kill('SIGKILL');
      await gone;
    }
    expect(await imagesIn('there')).toEqual([]);
    expect(readdirSync(path('there/blobs/sha256'))).toEqual([]);
  });

  test('by a full disk say so', async () => {
    await fill('here', 'x:1');
    const { exitCode, stderr } = await run('here', 'save -o /dev/full x:1');
    expect(exitCode).toBe(8);
    expect(stderr).toContain('error[DISK_FULL]');
  });
});

/** Runs a command, and kills it in the middle of whatever it does. */
async function killedAfter(milliseconds: number, words: readonly string[], store: string): Promise<void> {
  const child = spawn(process.execPath, [CLI, '--store', path(store), ...words], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await delay(milliseconds);
  child.kill('SIGKILL');
  await ended;
  if (existsSync(path(store)))
    for (const image of await imagesIn(store)) expect(image).toMatchObject({ name: { tag: '1' } });
}

describe.skipIf(dockerRegistry.skip)(`copy (${dockerRegistry.reason})`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(async () => {
    await registry.stop();
  });

  test('moves an image between all places, and its id stays', async () => {
    const imageId = await fill('here', 'x:1');
    const { host } = registry;
    await ok('here', `copy x:1 docker://${host}/x:1`);
    const digest = (await ok('here', `copy -q docker://${host}/x:1 docker://${host}/y/z:2`)).trim();
    expect(digest).toMatch(/^sha256:/);
    // Within a registry nothing need be sent.
    const sent = registry.requests().filter((line) => line.includes('/y/z/blobs/uploads'));
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.filter((line) => !/^POST .*mount=/.test(line))).toEqual([]);
    for (const [from, to] of [
      [`docker://${host}/y/z@${digest}`, 'oci:layout:x:1'],
      ['oci:layout:x:1', 'oci-archive:o.tar:one'],
      ['oci-archive:o.tar:one', 'docker-archive:d.tar:x:9'],
      ['docker-archive:d.tar:x:9', 'store:localhost/new:1'],
      ['docker-archive:d.tar', `docker://${host}/last:1`],
    ] as const) {
      expect(await ok('there', `copy -q ${from} ${to}`)).toBe(`${digest}\n`);
    }
    expect(await ok('there', 'inspect -f {{.Id}} localhost/new:1')).toBe(`${imageId}\n`);
    await ok('there', `pull ${host}/last:1`);
    expect(await ok('there', `inspect -f {{.Id}} ${host}/last:1`)).toBe(`${imageId}\n`);
    // What was in the store for the sake of a copy has gone again.
    const before = readdirSync(path('there/blobs/sha256')).length;
    await ok('there', 'copy docker-archive:d.tar oci:another');
    expect(readdirSync(path('there/blobs/sha256'))).toHaveLength(before);
    expect(readdirSync(path('another/blobs/sha256'))).toHaveLength(5);
  });

  test('says what is wrong, and writes nothing', async () => {
    await fill('here', 'x:1');
    for (const [words, code] of [
      [`copy docker://${registry.host}/nosuch:1 oci:never`, 'IMAGE_NOT_FOUND'],
      ['copy --platform linux/s390x x:1 oci:never', 'PLATFORM_NOT_FOUND'],
      ['copy --platform linux/amd64 --all x:1 oci:never', 'USAGE'],
      ['copy nosuch docker-archive:never.tar', 'IMAGE_NOT_FOUND'],
      ['copy oci:never x:2', 'ARCHIVE_INVALID'],
    ] as const) {
      const { exitCode, stderr } = await run('here', words);
      expect(stderr).toContain(`error[${code}]`);
      expect(exitCode).not.toBe(0);
    }
    expect(readdirSync(folder)).toEqual(['here']);
    writeFileSync(path('file'), '');
    const { stderr } = await run('here', `copy x:1 oci:${folder}`);
    expect(stderr).toContain('error[OUTPUT_FAILED]');
    expect(stderr).toContain('other files in it');
  });
});
