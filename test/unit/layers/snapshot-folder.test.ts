import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLittleUnwritten } from '../../../src/layers/snapshots/kernel-state.js';
import { SnapshotFolder, type SnapshotFolderOptions } from '../../../src/layers/snapshots/snapshot-folder.js';
import { digestHex, digestOf } from '../../../src/oci/digest.js';
import type { ChainId } from '../../../src/oci/layer.js';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'snapshot-folder-'));
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

const ID = digestOf('some layers') as ChainId;
const META = { parent: null, owners: new Map() };
const metaFile = (): string => join(top, 'own', digestHex(ID), 'meta.json');

function folder(boot: string | null, options: Partial<SnapshotFolderOptions> = {}): SnapshotFolder {
  const isSyncCheap = (): boolean => true;
  return new SnapshotFolder({
    directory: join(top, 'own'),
    temporaryDirectory: join(top, 'tmp'),
    boot,
    isSyncCheap,
    ...options,
  });
}

async function publish(into: SnapshotFolder, content: string): Promise<void> {
  const unfinished = await into.create();
  mkdirSync(join(unfinished, 'fs'));
  writeFileSync(join(unfinished, 'fs/file'), content);
  await into.publish(unfinished, ID, META);
}

describe('a snapshot that was never synced', () => {
  test('is believed in the boot that made it, by every process, and in no other', async () => {
    await publish(folder('monday'), 'content');
    expect(await folder('monday').load(ID)).toMatchObject({ parent: null });
    expect(await folder('monday').list()).toEqual([ID]);
    expect(await folder('tuesday').load(ID)).toBeUndefined();
    expect(await folder('tuesday').list()).toEqual([]);
    expect(await folder('tuesday').listTorn()).toEqual([ID]);
  });

  test('is replaced when it is made again after a boot, whatever the power failure left of it', async () => {
    await publish(folder('monday'), 'content');
    writeFileSync(join(top, 'own', digestHex(ID), 'fs/file'), '');
    await publish(folder('tuesday'), 'content');
    expect(await folder('tuesday').load(ID)).toBeDefined();
    expect(readFileSync(join(folder('tuesday').filesOf(ID), 'file'), 'utf8')).toBe('content');
  });

  test('is believed for good once a later process has used and synced it, and not before', async () => {
    const maker = folder('monday');
    await publish(maker, 'content');
    await maker.load(ID);
    await maker.settle();
    expect(await folder('tuesday').load(ID)).toBeUndefined();
    for (const cheap of [false, true]) {
      const late = folder('monday', { isSyncCheap: () => cheap });
      await late.load(ID);
      await late.settle();
      expect((await folder('tuesday').load(ID)) !== undefined).toBe(cheap);
    }
  });

  test('is torn when what describes it is cut off, or of a version that did not know of boots', async () => {
    await publish(folder('monday'), 'content');
    for (const text of ['', '{"version":2,"bo', '{"version":1,"parent":null,"owners":{}}']) {
      writeFileSync(metaFile(), text);
      expect(await folder('monday').listTorn()).toEqual([ID]);
    }
  });

  test('is synced at once where the machine does not say which boot this is', async () => {
    await publish(folder(null), 'content');
    expect(await folder('tuesday').load(ID)).toBeDefined();
  });
});

describe('folders of other stores', () => {
  test('serve what this one lacks, and are never written to', async () => {
    await publish(folder('monday'), 'content');
    const before = readFileSync(metaFile(), 'utf8');
    const additional = [join(top, 'missing'), join(top, 'own')];
    const other = folder('monday', { directory: join(top, 'another'), additional });
    expect(await other.load(ID)).toBeDefined();
    expect(readFileSync(join(other.filesOf(ID), 'file'), 'utf8')).toBe('content');
    expect(await other.list()).toEqual([]);
    await other.settle();
    expect(readFileSync(metaFile(), 'utf8')).toBe(before);
    expect(existsSync(join(top, 'another'))).toBe(false);
  });

  test('serve nothing that is torn', async () => {
    await publish(folder('monday'), 'content');
    const other = folder('tuesday', { directory: join(top, 'another'), additional: [join(top, 'own')] });
    expect(await other.load(ID)).toBeUndefined();
  });
});

test.each([
  ['Dirty:  1024 kB\nWriteback:  0 kB\n', true],
  ['Dirty:  65000 kB\nWriteback:  1000 kB\n', false],
  ['WritebackTmp: 99999999 kB\nDirty:  1 kB\n', true],
  ['', false],
])('by %j there is little to write: %s', (meminfo, little) => {
  expect(isLittleUnwritten(meminfo)).toBe(little);
});
