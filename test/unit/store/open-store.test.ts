import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../../src/store/open-store.js';
import { ingestBytes } from '../../support/sample-images.js';

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-store-'));
  root = join(folder, 'deep/store');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('openStore()', () => {
  test('makes an OCI image layout that only its owner can enter', async () => {
    await openStore(root);
    expect(JSON.parse(readFileSync(join(root, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'))).toMatchObject({
      schemaVersion: 2,
      manifests: [],
    });
    expect(readFileSync(join(root, 'version'), 'utf8')).toBe('1\n');
    for (const name of ['.', 'blobs', 'blobs/sha256', 'records', 'snapshots', 'tmp', 'locks']) {
      expect([name, statSync(join(root, name)).mode & 0o777]).toEqual([name, 0o700]);
    }
  });

  test('opens what it has made, and changes nothing', async () => {
    const first = await openStore(root);
    const blob = await ingestBytes(first.blobs, Buffer.from('content'));
    first[Symbol.dispose]();
    const before = readdirSync(root, { recursive: true });
    const second = await openStore(root);
    expect((await second.blobs.read(blob)).toString()).toBe('content');
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  test('is made once by several at a time', async () => {
    await Promise.all(Array.from({ length: 4 }, () => openStore(root)));
    expect(readdirSync(root).toSorted()).toEqual(
      ['blobs', 'index.json', 'locks', 'oci-layout', 'records', 'snapshots', 'tmp', 'version'].toSorted(),
    );
  });

  test('refuses a newer layout, and names both versions', async () => {
    await openStore(root);
    writeFileSync(join(root, 'version'), '7\n');
    await expect(openStore(root)).rejects.toMatchObject({
      code: 'STORE_INVALID',
      message: expect.stringMatching(/version 7, .* up to 1$/) as string,
      hint: expect.stringContaining('Upgrade tsbuild') as string,
    });
  });

  test('refuses a damaged version', async () => {
    await openStore(root);
    writeFileSync(join(root, 'version'), 'x');
    await expect(openStore(root)).rejects.toMatchObject({ code: 'STORE_INVALID', details: { version: 'x' } });
  });

  test('refuses a file, and a path through a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'store')]) {
      await expect(openStore(path)).rejects.toMatchObject({
        code: 'STORE_IO',
        hint: expect.stringContaining('choose another folder') as string,
      });
    }
  });

  test('refuses a folder with other files, and leaves it as it is', async () => {
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'thesis.doc'), 'words');
    await expect(openStore(root)).rejects.toMatchObject({ code: 'STORE_INVALID', details: { store: root } });
    expect(readdirSync(root)).toEqual(['thesis.doc']);
  });

  test('takes over an OCI layout that another tool has made', async () => {
    mkdirSync(join(root, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion": "1.0.0"}');
    const index =
      '{"schemaVersion":2,"manifests":[{"mediaType":"x/y","digest":"sha256:' + 'a'.repeat(64) + '","size":1}]}';
    writeFileSync(join(root, 'index.json'), index);
    await openStore(root);
    expect(readFileSync(join(root, 'index.json'), 'utf8')).toBe(index);
  });

  test.skipIf(process.getuid?.() === 0)(
    'says so when the folder is not writable (root may write everywhere)',
    async () => {
      mkdirSync(join(folder, 'closed'));
      chmodSync(join(folder, 'closed'), 0o500);
      await expect(openStore(join(folder, 'closed/store'))).rejects.toMatchObject({
        code: 'STORE_IO',
        hint: expect.stringContaining('writable') as string,
      });
    },
  );
});

describe('Store', () => {
  test('tells once of waiting for a lock, and not when there is no need to', async () => {
    const store = await openStore(root);
    let told = 0;
    const onWait = (): void => void (told += 1);
    const exclusive = await store.lock('exclusive', { onWait });
    const waiting = store.lock('shared', { onWait });
    await vi.waitFor(() => {
      expect(told).toBe(1);
    });
    exclusive[Symbol.dispose]();
    using _lock = await waiting;
    expect(told).toBe(1);
  });

  test('lets nobody in while it is locked exclusively', async () => {
    const store = await openStore(root);
    const shared = [await store.lock('shared'), await store.lock('shared')];
    await expect(store.lock('exclusive', { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    for (const lock of shared) lock[Symbol.dispose]();
    const exclusive = await store.lock('exclusive');
    await expect(store.lock('shared', { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'ABORTED' });
    exclusive[Symbol.dispose]();
  });

  test('has a temporary folder of its own, from the first time it is asked for until it is disposed of', async () => {
    const [first, second] = [await openStore(root), await openStore(root)];
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
    expect(first.temporaryDirectory).toBe(first.temporaryDirectory);
    expect(first.temporaryDirectory).not.toBe(second.temporaryDirectory);
    const directory = first.temporaryDirectory;
    writeFileSync(join(directory, 'work'), 'x');
    first[Symbol.dispose]();
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(second.temporaryDirectory)).toBe(true);
    second[Symbol.dispose]();
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  test('removes what dead processes left once something is stored, and only that', async () => {
    const [living, store] = [await openStore(root), await openStore(root)];
    const kept = join(living.temporaryDirectory, 'work');
    writeFileSync(kept, 'x');
    mkdirSync(join(root, 'tmp/owned-dead/rootfs/closed'), { recursive: true });
    writeFileSync(join(root, 'tmp/owned-dead/lock'), '');
    chmodSync(join(root, 'tmp/owned-dead/rootfs/closed'), 0);
    mkdirSync(join(root, 'tmp/owned-early'));
    await ingestBytes(store.blobs, Buffer.from('content'));
    expect(existsSync(join(root, 'tmp/owned-dead'))).toBe(false);
    expect(existsSync(join(root, 'tmp/owned-early'))).toBe(false);
    expect(existsSync(kept)).toBe(true);
    living[Symbol.dispose]();
    store[Symbol.dispose]();
  });

  test('leaves nothing unfinished behind when storing fails', async () => {
    const store = await openStore(root);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(3 << 20);
      await Promise.reject(new Error('lost'));
    }
    await expect(store.blobs.ingest(failing())).rejects.toThrow('lost');
    expect(readdirSync(store.temporaryDirectory)).toEqual(['lock']);
    store[Symbol.dispose]();
  });

  test('moves a damaged blob aside, and says where', async () => {
    const store = await openStore(root);
    const blob = await ingestBytes(store.blobs, Buffer.from('content'));
    const path = join(root, 'blobs', blob.digest.replace(':', '/'));
    chmodSync(path, 0o600);
    writeFileSync(path, 'CONTENT');
    const moved = join(root, 'corrupt', blob.digest.replace(':', '-'));
    await expect(store.blobs.read(blob)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      hint: expect.stringContaining(moved) as string,
    });
    expect(readFileSync(moved, 'utf8')).toBe('CONTENT');
    store[Symbol.dispose]();
  });

  test.each(['directory', 'symlink'])('does not read through a %s in the place of a blob', async (kind) => {
    const store = await openStore(root);
    const blob = await ingestBytes(store.blobs, Buffer.from('content'));
    const path = join(root, 'blobs', blob.digest.replace(':', '/'));
    rmSync(path);
    if (kind === 'directory') mkdirSync(path);
    else (await import('node:fs')).symlinkSync('/etc/hostname', path);
    expect(await store.blobs.has(blob.digest)).toBe(false);
    await expect(store.blobs.open(blob)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      details: { state: 'damaged' },
    });
    await ingestBytes(store.blobs, Buffer.from('content'));
    expect((await store.blobs.read(blob)).toString()).toBe('content');
    store[Symbol.dispose]();
  });

  test('keeps blobs writable for their owner, as other tools that write to the layout need them', async () => {
    const store = await openStore(root);
    const { digest } = await ingestBytes(store.blobs, Buffer.from('content'));
    expect(statSync(join(root, 'blobs', digest.replace(':', '/'))).mode & 0o777).toBe(0o644);
    store[Symbol.dispose]();
  });

  test('refuses to read as a document what is far too large for one', async () => {
    const store = await openStore(root);
    const { digest } = await ingestBytes(store.blobs, Buffer.from('content'));
    await expect(store.blobs.read({ digest, size: 2 ** 40 })).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    store[Symbol.dispose]();
  });
});

test('what a store cannot clean up at its end is left to the next, and fails nothing', async () => {
  const store = await openStore(root);
  const blob = await ingestBytes(store.blobs, Buffer.from('content'));
  rmSync(join(root, 'locks/temporary'));
  mkdirSync(join(root, 'locks/temporary'));
  store[Symbol.dispose]();
  expect(readdirSync(join(root, 'tmp'))).toHaveLength(1);
  rmSync(join(root, 'locks/temporary'), { recursive: true });
  using next = await openStore(root);
  expect((await next.blobs.read(blob)).toString()).toBe('content');
  await ingestBytes(next.blobs, Buffer.from('more'));
  expect(readdirSync(join(root, 'tmp'))).toHaveLength(1);
});
