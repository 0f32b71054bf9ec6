import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.js';
import { digestOf } from '../../src/oci/digest.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { createToolchain } from '../../src/toolchain.js';
import type { Toolchain } from '../../src/toolchain/toolchain-types.js';
import { FULL } from '../support/faults/sweep.js';
import { environmentOf, must, placeAt, putApp } from '../support/faults/workload.js';
import { layerTar, putSampleImage } from '../support/sample-images.js';
import { requirement } from '../support/require.js';
import { expectSoundStore } from '../support/store-oracle.js';

let folder: string;
let store: string;
let registry: ScriptedRegistry;
let tools: Toolchain;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-damage-'));
  store = join(folder, 'store');
  registry = await startScriptedRegistry();
  await putApp({ ...placeAt(folder, registry), store: join(folder, 'elsewhere') });
  {
    await using elsewhere = await createToolchain({ storeRoot: join(folder, 'elsewhere'), env: { HOME: folder } });
    await elsewhere.push(`${registry.host}/app:1`);
  }
  tools = await createToolchain({ storeRoot: store, env: { HOME: folder } });
});
afterEach(async () => {
  await tools[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const NAME = (): string => `${registry.host}/app:1`;
const saved = async (): Promise<string> => digestOf(await buffer(Readable.from(await tools.save([NAME()]))));

/** A disk, or a person, does this to a file. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'has a flipped bit': (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  },
  'is cut': (path) => {
    truncateSync(path, readFileSync(path).length - 1);
  },
  'is empty': (path) => {
    truncateSync(path, 0);
  },
  'has grown': (path) => {
    appendFileSync(path, 'x');
  },
  'is full of zeros': (path) => {
    writeFileSync(path, Buffer.alloc(readFileSync(path).length));
  },
  'is gone': (path) => {
    rmSync(path);
  },
  'is a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  'is a link to the right file': (path) => {
    renameSync(path, join(folder, 'right'));
    symlinkSync(join(folder, 'right'), path);
  },
  'is a pipe': (path) => {
    rmSync(path);
    execFileSync('mkfifo', [path]);
  },
};

const KINDS = ['manifest', 'config', 'layer'] as const;
/** In the sample, each damage is done to one kind of blob. */
const CASES = Object.keys(DAMAGES).flatMap((damage, index) =>
  KINDS.filter((_, kind) => FULL || kind === index % KINDS.length).map((kind) => ({ damage, kind })),
);

async function blobOf(kind: (typeof KINDS)[number]): Promise<string> {
  const { image, manifest } = await tools.image(NAME());
  const digest = { manifest: image.descriptor, config: manifest.value.config, layer: manifest.value.layers[1] }[kind]
    ?.digest;
  return join(store, 'blobs', String(digest).replace(':', '/'));
}

test.each(CASES)('a $kind that $damage is found when it is used, and had again by a pull', async ({ damage, kind }) => {
  await tools.pull(NAME());
  const before = await saved();
  DAMAGES[damage]?.(await blobOf(kind));
  // A save that goes well in spite of it would have given other bytes, or not have looked.
  const refused = { code: expect.stringMatching(/^(DIGEST_MISMATCH|STORE_IO)$/) as string };
  await expect(saved()).rejects.toMatchObject(refused);
  await tools.pull(NAME());
  expect(await saved()).toBe(before);
  expectSoundStore(store);
});

test.each(KINDS)('a %s that is cut is had again by a pull, though nobody has used it', async (kind) => {
  await tools.pull(NAME());
  const before = await saved();
  DAMAGES['is cut']?.(await blobOf(kind));
  await tools.pull(NAME());
  expect(await saved()).toBe(before);
});

test.skipIf(process.getuid?.() === 0)(
  'a blob that may not be read is said to be so (skipped as root, who may)',
  async () => {
    await tools.pull(NAME());
    const path = await blobOf('layer');
    chmodSync(path, 0);
    const refused = { code: 'STORE_IO', message: expect.stringContaining('permission denied') as string };
    await expect(saved()).rejects.toMatchObject(refused);
    chmodSync(path, 0o600);
  },
);

describe('one damaged image', () => {
  test.each(KINDS)('does not keep another from being removed: its %s', async (kind) => {
    await tools.pull(NAME());
    {
      using opened = await openStore(store);
      await putSampleImage(opened, [{ tar: await layerTar({ other: 'other' }) }], 'other');
    }
    writeFileSync(await blobOf(kind), 'damaged');
    await tools.remove('other');
    const lost: unknown[] = [];
    const listed = await tools.images({ onLost: ({ name }) => lost.push(name?.repository) });
    expect([listed.length, lost]).toEqual(kind === 'layer' ? [1, []] : [0, ['app']]);
    await tools.pull(NAME());
    expectSoundStore(store);
  });

  test.each(KINDS)('can be removed: its %s', async (kind) => {
    await tools.pull(NAME());
    writeFileSync(await blobOf(kind), 'damaged');
    await tools.remove(NAME());
    expect(await tools.images()).toEqual([]);
    expect(readdirSync(join(store, 'blobs/sha256'))).toEqual([]);
  });
});

describe('index.json', () => {
  test.each(['', '{', '[]', '{"manifests":{}}', '\0\0\0\0'])(
    'with %j in it is told of; moved away, the images can be had again',
    async (text) => {
      await tools.pull(NAME());
      writeFileSync(join(store, 'index.json'), text);
      await expect(tools.images()).rejects.toMatchObject({
        code: 'STORE_INVALID',
        hint: expect.stringContaining('move it away') as string,
      });
      renameSync(join(store, 'index.json'), join(folder, 'away'));
      expect(await tools.images()).toEqual([]);
      const before = registry.seen.length;
      await tools.pull(NAME());
      expect(
        registry
          .lines()
          .slice(before)
          .filter((line) => line.includes('/blobs/')),
      ).toEqual([]);
      expectSoundStore(store);
    },
  );
});

test.each(['', '0', 'one', '\0\0'])(
  'a version file with %j in it is told of, and what is said to do helps',
  async (text) => {
    await tools.pull(NAME());
    writeFileSync(join(store, 'version'), text);
    const open = async (): Promise<number> => {
      await using opened = await createToolchain({ storeRoot: store, env: { HOME: folder } });
      return (await opened.images()).length;
    };
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_INVALID',
      hint: expect.stringContaining('write 1 into') as string,
    });
    writeFileSync(join(store, 'version'), '1\n');
    expect(await open()).toBe(1);
    rmSync(join(store, 'version'));
    expect(await open()).toBe(1);
    expectSoundStore(store);
  },
);

const sandbox = requirement('sandbox', true, 'builds need a sandbox');
test.skipIf(sandbox.skip)(
  'damaged records and snapshots are as if they were not there',
  { timeout: 120_000 },
  async () => {
    const place = placeAt(folder, registry);
    mkdirSync(place.work);
    await must(place, 'bootstrap', '-t', 'base');
    writeFileSync(join(place.work, 'Dockerfile'), 'FROM base\nRUN echo made > /made\nRUN echo more > /more\n');
    const id = async (): Promise<string> => {
      await must(place, 'build', '-q', '--iidfile', 'id', '.');
      return readFileSync(join(place.work, 'id'), 'utf8');
    };
    const before = await id();
    const files = (directory: string): readonly string[] =>
      readdirSync(join(store, directory), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(store, directory, name),
      );
    const records = files('records').filter((path) => path.endsWith('.json'));
    expect(records.length).toBeGreaterThan(2);
    for (const [index, path] of records.entries())
      writeFileSync(path, ['', '{', 'null', '{"layer":7}', '\0'][index % 5] ?? '');
    const metas = files('snapshots').filter((path) => path.endsWith('/meta.json'));
    expect(metas.length).toBeGreaterThan(0);
    for (const [index, path] of metas.entries()) writeFileSync(path, ['', '{}', '\0'][index % 3] ?? '');
    expect(await id()).toBe(before);
    expect(existsSync(environmentOf(place)['TSBUILD_STORE'] ?? '')).toBe(true);
    expectSoundStore(store, { settled: true });
  },
);
