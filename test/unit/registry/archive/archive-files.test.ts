import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { formatChecksum, parseChecksums } from '../../../../src/registry/archive/files/checksum-list.js';
import { openArchive } from '../../../../src/registry/archive/files/open-archive.js';
import { writeParts } from '../../../../src/registry/archive/files/write-parts.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';

const bytes = Buffer.from(Array.from({ length: 2500 }, (_, at) => at % 251));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string): string => join(folder, name);

async function write(size: number | null = 1000, name = 'a.tar'): Promise<readonly string[]> {
  const files = await writeParts(inChunks(bytes, 333), {
    path: path(name),
    splitBytes: size ?? undefined,
    mode: 0o600,
  });
  return files.map((file) => file.path.slice(folder.length + 1));
}

async function read(...names: readonly string[]): Promise<Buffer> {
  await using archive = await openArchive(names.map(path));
  if ('layout' in archive.source) throw new Error('a layout');
  const content = await collectBytes(archive.source);
  expect(archive.size).toBe(content.length);
  return content;
}

describe('an archive in parts', () => {
  test.each([
    [1000, ['a.tar.001', 'a.tar.002', 'a.tar.003']],
    [2500, ['a.tar.001']],
    [null, ['a.tar']],
  ])('of %s bytes is written, listed, and read from its first part', async (size, names) => {
    expect(await write(size)).toEqual(names);
    expect(readdirSync(folder).toSorted()).toEqual(['SHA256SUMS', ...names]);
    expect(Buffer.concat(names.map((name) => readFileSync(path(name)))).equals(bytes)).toBe(true);
    expect((await read(names[0] ?? '')).equals(bytes)).toBe(true);
    expect((await read(...names)).equals(bytes)).toBe(true);
    expect(spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: folder }).status).toBe(0);
  });

  test('is in the list of its folder with others, each once', async () => {
    writeFileSync(path('SHA256SUMS'), `# by hand\n${formatChecksum({ name: 'other', digest: digestOf('x') })}`);
    await write();
    await write(null, 'b.tar');
    await write();
    const lines = readFileSync(path('SHA256SUMS'), 'utf8').split('\n');
    expect(lines.map((line) => line.split('  ').at(-1))).toEqual([
      '# by hand',
      'other',
      'b.tar',
      'a.tar.001',
      'a.tar.002',
      'a.tar.003',
      '',
    ]);
  });

  test('with a part that is missing is refused by its name', async () => {
    await write();
    rmSync(path('a.tar.002'));
    await expect(read('a.tar.001')).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('"a.tar.002" is missing') as string,
    });
    await write();
    rmSync(path('a.tar.003'));
    await expect(read('a.tar.001')).rejects.toMatchObject({ message: expect.stringContaining('a.tar.003') as string });
  });

  test('without a list is read as far as parts follow one another', async () => {
    await write();
    rmSync(path('SHA256SUMS'));
    expect((await read('a.tar.001')).equals(bytes)).toBe(true);
    renameSync(path('a.tar.002'), path('a.tar.004'));
    await expect(read('a.tar.001')).rejects.toMatchObject({ message: expect.stringContaining('a.tar.002') as string });
  });

  test('with a part that was changed is refused, and names it', async () => {
    await write();
    const part = readFileSync(path('a.tar.002'));
    writeFileSync(path('a.tar.002'), part.fill(7, 10, 11));
    await expect(read('a.tar.001')).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining('"a.tar.002"') as string,
    });
  });

  test('is not written beside parts of a longer one', async () => {
    await write(500);
    await expect(write(1000)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining('a.tar.004') as string,
    });
    expect((await read('a.tar.001')).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(6);
  });

  test('that breaks off leaves what was there', async () => {
    await write();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* inChunks(bytes.subarray(0, 1500), 100);
      throw new RangeError('gone');
    }
    const options = { path: path('a.tar'), splitBytes: 400, mode: 0o600 };
    await expect(writeParts(failing(), options)).rejects.toThrow(RangeError);
    expect(readdirSync(folder)).toHaveLength(4);
    expect((await read('a.tar.001')).equals(bytes)).toBe(true);
    const stop = new AbortController();
    async function* cancelled(): AsyncGenerator<Uint8Array> {
      yield bytes;
      stop.abort();
      yield bytes;
    }
    await expect(writeParts(cancelled(), { ...options, signal: stop.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(readdirSync(folder)).toHaveLength(4);
  });
});

test('SHA256SUMS says what was put into it, whatever the name', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\0/]/.test(text));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), (names) => {
      const lines = names.map((each) => ({ name: each, digest: digestOf(each) }));
      expect(parseChecksums(lines.map(formatChecksum).join(''))).toEqual(lines);
    }),
  );
  expect(parseChecksums('nothing\n\nabc  x\n')).toEqual([]);
  const hex = 'AB'.repeat(32);
  expect(parseChecksums(`${hex} *binary\n`)).toEqual([{ name: 'binary', digest: `sha256:${hex.toLowerCase()}` }]);
});
