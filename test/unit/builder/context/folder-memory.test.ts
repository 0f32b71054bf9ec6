import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderMemory } from '../../../../src/builder/context/folder-memory.js';
import { FileList } from '../../../../src/builder/explain/file-list.js';
import type { DigestedFiles } from '../../../../src/builder/operations/copy/selection-memory.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';

/** As the memory is told: the folder has less. */
const MANY = 2000;
let folder: string;
let records: Map<string, unknown>;
/** Milliseconds that the build is later than it is: an hour, so that the files of a test are old. */
let later: number;
/** How often files were looked at one by one. */
let reads: number;
let loads: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-memory-'));
  mkdirSync(join(folder, 'many'));
  for (const name of ['a', 'b']) writeFileSync(join(folder, 'many', name), '');
  [records, later, reads, loads] = [new Map(), 3_600_000, 0, 0];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Trial {
  readonly what?: string;
  readonly ignore?: string;
  readonly files?: number;
  readonly type?: 'file' | 'directory';
}

async function digest({ what = 'all', ignore, files = MANY, type = 'directory' }: Trial = {}): Promise<DigestedFiles> {
  const memory = new FolderMemory({
    directory: folder,
    ignore: ignore ?? null,
    skips: ignore === undefined ? undefined : (path) => path === ignore,
    index: {
      load: () => Promise.resolve(void (loads += 1)),
      keep: (key, record) => void records.set(key, JSON.parse(JSON.stringify(record))),
    },
    records: {
      load: (_kind, key) => Promise.resolve(records.get(key)),
      save: () => Promise.reject(new Error('is saved with the index')),
    },
    now: () => Date.now() + later,
  });
  return await memory.digest(what, [{ path: bytesOfText('many'), entry: { type } }], () => {
    reads += 1;
    const list = new FileList();
    for (let number = 0; number < files; number += 1) list.add(bytesOfText(`f${number}`), 'file 644 root 0:0', '');
    return { digest: digestOf(`read ${reads}`), files: list };
  });
}

const change = (name = 'new'): void => {
  writeFileSync(join(folder, 'many', name), 'changed');
};

describe('the memory of a folder', () => {
  test('gives what it was, and the list of its files, while nothing is changed', async () => {
    const first = await digest();
    const second = await digest();
    expect(second.digest).toBe(first.digest);
    expect(await second.files.files()).toEqual(await first.files.files());
    expect(await second.files.encode()).toEqual(await first.files.encode());
    expect([reads, loads]).toEqual([1, 1]);
  });

  test('looks at the files again when one is changed, and remembers that', async () => {
    await digest();
    change();
    expect((await digest()).digest).toBe(digestOf('read 2'));
    expect((await digest()).digest).toBe(digestOf('read 2'));
  });

  test('tells selections, folders and ignore files apart', async () => {
    await digest();
    await digest({ what: 'others' });
    await digest({ ignore: 'many/new' });
    expect(reads).toBe(3);
    change();
    await digest({ ignore: 'many/new' });
    expect(reads).toBe(3);
  });

  test('remembers nothing that was changed just before it was read, nor what was changed meanwhile', async () => {
    later = 0;
    change();
    await digest();
    await digest();
    expect(reads).toBe(2);
    expect(records.size).toBe(0);
  });

  test.each<[string, Trial]>([
    ['few files', { files: MANY - 1 }],
    ['files that are named one by one', { type: 'file' }],
    ['more files than a list can have', { files: 200_001 }],
  ])('keeps nothing of %s', async (_name, trial) => {
    await digest(trial);
    await digest(trial);
    expect([reads, records.size]).toEqual([2, 0]);
  });

  test.each([null, 1, {}, { version: 1, state: 'x' }, { version: 1, state: 1, digest: digestOf('x') }, { version: 2 }])(
    'takes no other record for one of its own: %j',
    async (record) => {
      await digest();
      for (const key of records.keys()) records.set(key, record);
      expect((await digest()).digest).toBe(digestOf('read 2'));
    },
  );
});
