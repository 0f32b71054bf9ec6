import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { openStore } from '../../../../src/store/open-store.js';
import type { RecordStore } from '../../../../src/store/record-store.js';

let root: string;
let records: RecordStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'record-store-'));
  records = (await openStore(root)).records;
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const key = digestOf('key');

async function keys(): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for await (const { key: each } of records.list('step')) found.push(each);
  return found;
}

test('gives back what was saved, and the newest', async () => {
  expect(await records.load('step', key)).toBeUndefined();
  await records.save('step', key, { a: [1, null, 'ü'] });
  expect(await records.load('step', key)).toEqual({ a: [1, null, 'ü'] });
  await records.save('step', key, 'second');
  expect(await records.load('step', key)).toBe('second');
  expect(await records.load('dockerfile', key)).toBeUndefined();
});

test('lists what there is, sorted, and forgets what is deleted', async () => {
  expect(await keys()).toEqual([]);
  const all = ['a', 'b', 'c'].map((text) => digestOf(text)).toSorted();
  for (const each of all) await records.save('step', each, 1);
  expect(await keys()).toEqual(all);
  await records.delete('step', all[0] as Digest);
  await records.delete('step', all[0] as Digest);
  expect(await keys()).toEqual(all.slice(1));
});

test.each(['', '{', '\0\0\0\0'])('takes a record that is damaged (%j) for absent', async (text) => {
  await records.save('step', key, 1);
  const file = readdirSync(join(root, 'records/step'))[0] ?? '';
  writeFileSync(join(root, 'records/step', file), text);
  expect(await records.load('step', key)).toBeUndefined();
  expect(await keys()).toEqual([]);
});

test('passes over files that are no records', async () => {
  await records.save('step', key, 1);
  for (const name of ['README', 'x.json', `${'A'.repeat(64)}.json`])
    writeFileSync(join(root, 'records/step', name), '1');
  expect(await keys()).toEqual([key]);
});

test('saving the same key at once leaves one whole record', async () => {
  const record = (value: number): unknown => ({ value, padding: 'x'.repeat(100_000) });
  await Promise.all([1, 2, 3, 4].map((value) => records.save('step', key, record(value))));
  expect([1, 2, 3, 4].map(record)).toContainEqual(await records.load('step', key));
  expect(readdirSync(join(root, 'records/step'))).toHaveLength(1);
});
