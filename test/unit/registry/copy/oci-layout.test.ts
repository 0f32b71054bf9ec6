import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLayout, writeLayout } from '../../../../src/registry/copy/oci-layout.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oci-layout-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = async (): Promise<void> => await writeLayout(folder, { blobs: [], contents: [], entries: [] });
const VERSION = '{"imageLayoutVersion":"1.0.0"}';

describe('a layout that somebody died over', () => {
  test.each([
    ['before it had a name', { [`oci-layout.${'a'.repeat(12)}.unfinished`]: VERSION }],
    ['before it had blobs', { 'oci-layout': VERSION }],
    ['before it had an index', { 'oci-layout': VERSION, 'blobs/sha256/f00': '' }],
  ])('%s is gone on with', async (_, files) => {
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    if (!Object.keys(files).some((name) => name.startsWith('blobs')))
      rmSync(join(folder, 'blobs'), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    await write();
    expect((await openLayout(folder)).entries).toEqual([]);
  });

  test('loses what was not finished, when it is old', async () => {
    await write();
    const old = join(folder, `blobs/sha256/f00.${'a'.repeat(12)}.unfinished`);
    writeFileSync(old, 'half');
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(old, longAgo, longAgo);
    await write();
    expect(readdirSync(join(folder, 'blobs/sha256'))).toEqual([]);
  });
});

test.each([['index.json'], ['blobs'], ['other']])('a folder with "%s" alone is refused', async (name) => {
  writeFileSync(join(folder, name), '{"manifests":[]}');
  await expect(write()).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  expect(readdirSync(folder)).toEqual([name]);
});
