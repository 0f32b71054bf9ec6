import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSnapshotPlace, tryFileSystem, type FileSystemFacts } from '../../../src/store/file-system.js';
import { openStore, type OpenStore } from '../../../src/store/open-store.js';

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'file-system-'));
  store = await openStore(root);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const NONE = { attributes: false, execution: false };
const remembered = (): string => join(root, 'file-system.json');
function remember(facts: Partial<FileSystemFacts>): void {
  const known = JSON.parse(readFileSync(remembered(), 'utf8')) as { device: number; facts: FileSystemFacts };
  writeFileSync(remembered(), JSON.stringify({ ...known, facts: { ...known.facts, ...facts } }));
}

describe('the file system of a store', () => {
  test('is tried once, and nothing of that stays but what was found', async () => {
    await checkSnapshotPlace(store, NONE);
    const first = readFileSync(remembered(), 'utf8');
    expect(JSON.parse(first)).toMatchObject({ facts: { caseSensitive: true, hardLinks: true, permissions: true } });
    remember({ symbolicLinks: false });
    await expect(checkSnapshotPlace(store, NONE)).rejects.toMatchObject({ code: 'STORE_IO' });
    const elsewhere = { ...(JSON.parse(first) as object), device: -1 };
    writeFileSync(remembered(), JSON.stringify(elsewhere));
    await checkSnapshotPlace(store, NONE);
    expect(readFileSync(remembered(), 'utf8')).toBe(first);
  });

  test.each([['{'], ['{}'], ['{"device":1,"facts":{}}']])('is tried again where %j was remembered', async (text) => {
    writeFileSync(remembered(), text);
    await checkSnapshotPlace(store, NONE);
    expect(JSON.parse(readFileSync(remembered(), 'utf8'))).toHaveProperty('facts.caseSensitive', true);
  });

  test('is refused for what it lacks, naming it and the way out, and only where that is needed', async () => {
    await checkSnapshotPlace(store, NONE);
    remember({ caseSensitive: true, userAttributes: false, executable: false });
    await checkSnapshotPlace(store, NONE);
    await expect(checkSnapshotPlace(store, { ...NONE, attributes: true })).rejects.toThrow(
      'has no extended attributes',
    );
    await expect(checkSnapshotPlace(store, { ...NONE, execution: true })).rejects.toThrow('noexec');
    remember({ caseSensitive: false });
    await expect(checkSnapshotPlace(store, NONE)).rejects.toMatchObject({
      message: expect.stringMatching(
        /cannot unpack layers in store ".*": its file system.* upper from lower case$/,
      ) as string,
      hint: expect.stringContaining('TSBUILD_STORE') as string,
    });
  });

  test('is not blamed for what is somebody else’s: a full disk, a folder that is gone', () => {
    expect(() => tryFileSystem(join(root, 'gone'))).toThrow('ENOENT');
  });
});
