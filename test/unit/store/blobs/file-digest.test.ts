import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { digestGrowingFile } from '../../../../src/store/blobs/digest-growing-file.js';
import { FileDigest } from '../../../../src/store/blobs/file-digest.js';
import { FileGrowth } from '../../../../src/store/blobs/file-growth.js';

const content = Buffer.alloc(700_000, 'all that a file holds, ');

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-digest-'));
  path = join(folder, 'file');
  writeFileSync(path, content);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a growth says how large a file has become since it was last asked, and ends', () => {
  const writer = new FileGrowth();
  const sizes = new FileGrowth(writer.memory).sizes();
  writer.grew(3);
  expect(sizes.next()).toEqual({ done: false, value: 3 });
  writer.grew(2 ** 32);
  writer.grew(1);
  expect(sizes.next()).toEqual({ done: false, value: 2 ** 32 + 4 });
  writer.grew(5);
  writer.end();
  expect(sizes.next()).toEqual({ done: false, value: 2 ** 32 + 9 });
  expect(sizes.next().done).toBe(true);
});

describe('digestGrowingFile()', () => {
  const ended = (size: number): SharedArrayBuffer => {
    const growth = new FileGrowth();
    growth.grew(size);
    growth.end();
    return growth.memory;
  };

  test.each([0, 1, 262_144, 262_145, content.length])('digests the first %d bytes that it was told of', (size) => {
    expect(digestGrowingFile({ path, algorithm: 'sha256', memory: ended(size) })).toBe(
      digestOf(content.subarray(0, size)),
    );
  });

  test('refuses a file that has less than was written to it', () => {
    const memory = ended(content.length + 1);
    expect(() => digestGrowingFile({ path, algorithm: 'sha256', memory })).toThrow(
      `it ends after ${content.length} of ${content.length + 1} bytes`,
    );
  });
});

// Threads cannot load what is not built: none of these gets an answer from its own.
describe('a file whose thread fails is digested all the same', () => {
  const options = { algorithm: 'sha256', signal: undefined } as const;

  test('from its beginning, whatever was told before', async () => {
    await using digest = new FileDigest(path, options);
    digest.grew(content.length);
    appendFileSync(path, 'more');
    digest.grew(4);
    expect(await digest.finish()).toBe(digestOf(Buffer.concat([content, Buffer.from('more')])));
  });

  test('up to what was written of it', async () => {
    await using digest = new FileDigest(path, { ...options, algorithm: 'sha512' });
    digest.grew(5);
    expect(await digest.finish()).toMatch(/^sha512:[0-9a-f]{128}$/);
  });

  test('unless it has less', async () => {
    await using digest = new FileDigest(path, options);
    digest.grew(content.length);
    truncateSync(path, 10);
    await expect(digest.finish()).rejects.toMatchObject({ code: 'EIO' });
  });

  test('unless it is cancelled', async () => {
    const stop = new AbortController();
    await using digest = new FileDigest(path, { ...options, signal: stop.signal });
    digest.grew(content.length);
    stop.abort();
    await expect(digest.finish()).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
