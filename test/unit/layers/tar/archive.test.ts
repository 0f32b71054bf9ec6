import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { extractArchive, packArchive, type ArchiveMember } from '../../../../src/layers/tar/archive.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function* members(list: readonly ArchiveMember[]): AsyncGenerator<ArchiveMember> {
  yield* list;
}

async function* chunks(list: readonly Uint8Array[], size = 1 << 16): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat(list);
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const list: Uint8Array[] = [];
  for await (const chunk of source) list.push(chunk);
  return Buffer.concat(list);
}

async function readAll(archive: Uint8Array, size?: number): Promise<readonly (readonly [string, string, string])[]> {
  const list: (readonly [string, string, string])[] = [];
  for await (const { name, type, body } of extractArchive(chunks([archive], size))) {
    list.push([name, type, (await collect(body)).toString()]);
  }
  return list;
}

const sample: readonly ArchiveMember[] = [
  { name: 'blobs/', size: 0, body: bytes('') },
  { name: 'blobs/one', size: 3, body: bytes('one') },
  { name: `blobs/${'long'.repeat(60)}`, size: 5, body: chunks([bytes('a'), bytes('bcde')], 1) },
  { name: 'empty', size: 0, body: bytes('') },
  { name: 'tool', size: 2, mode: 0o755, body: bytes('#!') },
];
const fresh = (): readonly ArchiveMember[] =>
  sample.map((member) =>
    member.body instanceof Uint8Array ? member : { ...member, body: chunks([bytes('abcde')], 1) },
  );

describe('packArchive() and extractArchive()', () => {
  test.each([1 << 16, 512, 100, 7])('keep names, types and contents, read in chunks of %d bytes', async (size) => {
    const archive = await collect(packArchive(members(fresh())));
    expect(await readAll(archive, size)).toEqual([
      ['blobs/', 'directory', ''],
      ['blobs/one', 'file', 'one'],
      [`blobs/${'long'.repeat(60)}`, 'file', 'abcde'],
      ['empty', 'file', ''],
      ['tool', 'file', '#!'],
    ]);
  });

  test('write the same bytes for the same members', async () => {
    const [one, two] = [await collect(packArchive(members(fresh()))), await collect(packArchive(members(fresh())))];
    expect(one.equals(two)).toBe(true);
  });

  test('write what GNU tar reads', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'archive-'));
    try {
      await writeFile(path.join(directory, 'a.tar'), packArchive(members(fresh())));
      execFileSync('tar', ['-xf', 'a.tar', '-p'], { cwd: directory });
      expect((await readdir(directory)).sort()).toEqual(['a.tar', 'blobs', 'empty', 'tool']);
      const tool = await stat(path.join(directory, 'tool'));
      expect([tool.mode & 0o7777, tool.mtimeMs]).toEqual([0o755, 0]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('packArchive()', () => {
  test('fails when a body has another size than its member says', async () => {
    await expect(collect(packArchive(members([{ name: 'a', size: 4, body: bytes('abc') }])))).rejects.toThrow();
  });

  test('passes on the error of a body, and of the list of members', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      throw new RangeError('gone');
    }
    await expect(collect(packArchive(members([{ name: 'a', size: 4, body: broken() }])))).rejects.toThrow(RangeError);
    async function* brokenList(): AsyncGenerator<ArchiveMember> {
      yield { name: 'a', size: 1, body: bytes('a') };
      throw new RangeError('gone');
    }
    await expect(collect(packArchive(brokenList()))).rejects.toThrow(RangeError);
  });

  test('stops its producer when the reader stops', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(1 << 16);
      } finally {
        closed = true;
      }
    }
    for await (const chunk of packArchive(members([{ name: 'a', size: 2 ** 40, body: endless() }]))) {
      if (chunk.byteLength > 512) break;
    }
    expect(closed).toBe(true);
  });
});

describe('extractArchive()', () => {
  test('passes over members whose body is not read', async () => {
    const big = { name: 'big', size: 1 << 20, body: Buffer.alloc(1 << 20) };
    const archive = await collect(packArchive(members([big, ...fresh()])));
    const names: string[] = [];
    for await (const member of extractArchive(chunks([archive]))) names.push(member.name);
    expect(names).toHaveLength(6);
  });

  test('passes over the rest of a body that is read in part', async () => {
    const big = { name: 'big', size: 1 << 20, body: Buffer.alloc(1 << 20) };
    const archive = await collect(packArchive(members([big, ...fresh()])));
    const names: string[] = [];
    for await (const member of extractArchive(chunks([archive]))) {
      names.push(member.name);
      for await (const chunk of member.body) if (chunk.byteLength > 0) break;
    }
    expect(names).toHaveLength(6);
  });

  test('stops its source when the reader stops', async () => {
    const archive = await collect(packArchive(members(fresh())));
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield archive;
      } finally {
        closed = true;
      }
    }
    for await (const member of extractArchive(source())) if (member.name === 'empty') break;
    expect(closed).toBe(true);
  });

  test('refuses an archive cut off anywhere', async () => {
    const archive = await collect(packArchive(members(fresh())));
    for (let length = 0; length < archive.length - 1024; length += 256) {
      await expect(readAll(archive.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
      });
    }
  });

  test('refuses what is no archive', async () => {
    await expect(readAll(bytes('no archive'.repeat(1000)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('refuses a malformed size', async () => {
    const archive = await collect(packArchive(members([{ name: 'a', size: 3, body: bytes('abc') }])));
    archive.fill(0x81, 124, 125);
    const sum = archive.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    await expect(readAll(archive)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('passes on the error of its source', async () => {
    const archive = await collect(packArchive(members(fresh())));
    async function* source(): AsyncGenerator<Uint8Array> {
      yield archive.subarray(0, 2000);
      throw new RangeError('gone');
    }
    const reading = async (): Promise<void> => {
      for await (const member of extractArchive(source())) await collect(member.body);
    };
    await expect(reading()).rejects.toThrow(RangeError);
  });
});
