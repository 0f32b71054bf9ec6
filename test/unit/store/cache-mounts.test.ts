import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CacheMounts,
  listCacheMounts,
  removeCacheMounts,
  type AcquireOptions,
  type CacheMountSharing,
} from '../../../src/store/cache-mounts.js';

let place: string;
let mounts: CacheMounts;
let made: number;
let waited: number;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-caches-'));
  mkdirSync(join(place, 'tmp'));
  mounts = another();
  [made, waited] = [0, 0];
});
afterEach(() => rmSync(place, { recursive: true }));

/** As a second process has it. */
const another = (): CacheMounts =>
  new CacheMounts({ directory: join(place, 'mounts'), temporaryDirectory: join(place, 'tmp') });

const options = (sharing: CacheMountSharing, more: Partial<AcquireOptions> = {}): AcquireOptions => ({
  sharing,
  signal: new AbortController().signal,
  create: (path) => {
    made += 1;
    return mkdir(path).then(() => undefined);
  },
  onWait: () => {
    waited += 1;
  },
  ...more,
});
const NAME = { id: '/root/.cache', variant: '[]' };

describe('cache mounts', () => {
  test('are made once, and hold what is put in', async () => {
    const first = await mounts.acquire(NAME, options('shared'));
    writeFileSync(join(first.directory, 'f'), '');
    first[Symbol.dispose]();
    using second = await another().acquire(NAME, options('shared'));
    expect(readdirSync(second.directory)).toEqual(['f']);
    expect(made).toBe(1);
    expect(readdirSync(join(place, 'tmp'))).toEqual([]);
  });

  test.each([
    ['another id', { ...NAME, id: 'x' }],
    ['another variant', { ...NAME, variant: '[1]' }],
    ['an id that would be a path (CVE-2024-9675)', { ...NAME, id: '../../../../etc' }],
  ])('%s is another one, below the folder', async (_name, name) => {
    using one = await mounts.acquire(NAME, options('shared'));
    using other = await mounts.acquire(name, options('shared'));
    expect(other.directory).not.toBe(one.directory);
    expect(dirname(dirname(dirname(other.directory)))).toBe(join(place, 'mounts'));
  });

  test('shared ones are used by many at a time, also while they are made', async () => {
    const both = await Promise.all([
      mounts.acquire(NAME, options('shared')),
      another().acquire(NAME, options('shared')),
    ]);
    expect(both[0].directory).toBe(both[1].directory);
    for (const held of both) held[Symbol.dispose]();
  });

  test('private ones are used by one at a time: the next gets another, and later the first again', async () => {
    const first = await mounts.acquire(NAME, options('private'));
    using second = await another().acquire(NAME, options('private'));
    expect(second.directory).not.toBe(first.directory);
    first[Symbol.dispose]();
    using third = await mounts.acquire(NAME, options('private'));
    expect(third.directory).toBe(first.directory);
    expect(waited).toBe(0);
  });

  test('locked ones are waited for', async () => {
    const first = await mounts.acquire(NAME, options('locked'));
    let second: { directory: string } | undefined;
    const waiting = another()
      .acquire(NAME, options('locked'))
      .then((held) => (second = held));
    await expect.poll(() => waited).toBe(1);
    expect(second).toBeUndefined();
    first[Symbol.dispose]();
    expect((await waiting).directory).toBe(first.directory);
  });

  test('waiting ends when it is cancelled', async () => {
    using _first = await mounts.acquire(NAME, options('locked'));
    const abort = new AbortController();
    const waiting = mounts.acquire(NAME, options('locked', { signal: abort.signal, onWait: () => abort.abort() }));
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('one whose making fails is not there, and locks nobody out', async () => {
    const failing = options('locked', { create: () => Promise.reject(new Error('no')) });
    await expect(mounts.acquire(NAME, failing)).rejects.toThrow('no');
    expect(listCacheMounts(join(place, 'mounts'))).toEqual([]);
    expect(readdirSync(join(place, 'tmp'))).toEqual([]);
    using held = await mounts.acquire(NAME, options('locked'));
    expect(existsSync(held.directory)).toBe(true);
  });

  test('what a crash left of one is made anew', async () => {
    const held = await mounts.acquire(NAME, options('private'));
    held[Symbol.dispose]();
    rmSync(join(dirname(held.directory), 'meta.json'));
    using again = await mounts.acquire(NAME, options('private'));
    expect(again.directory).toBe(held.directory);
    expect(made).toBe(2);
  });

  test('are listed by id, and removed with their locks', async () => {
    for (const id of ['b', 'a']) (await mounts.acquire({ ...NAME, id }, options('private')))[Symbol.dispose]();
    const directory = join(place, 'mounts');
    expect(listCacheMounts(directory).map(({ id }) => id)).toEqual(['a', 'b']);
    await removeCacheMounts(directory);
    expect(existsSync(directory)).toBe(false);
    expect(listCacheMounts(directory)).toEqual([]);
  });
});
