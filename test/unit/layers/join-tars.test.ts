import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/layers/change.js';
import { joinTars, type TarPart } from '../../../src/layers/join-tars.js';
import { readTar } from '../../../src/layers/tar/read-tar.js';
import { writeTar } from '../../../src/layers/tar/write-tar.js';
import type { TarEntry } from '../../../src/layers/tar-entry.js';
import { bytesOfText, textOfBytes } from '../../../src/support/byte-string.js';

type Given = Partial<Omit<TarEntry, 'path' | 'linkTarget'>> & { readonly linkTarget?: string; readonly text?: string };

function change(path: string, { text = '', linkTarget, ...given }: Given): Change {
  const entry: TarEntry = {
    ...{ path: bytesOfText(path), type: 'file', mode: 0o640, uid: 7, gid: 8, size: text.length, xattrs: new Map() },
    mtime: { seconds: 9, nanoseconds: 0 },
    ...(linkTarget === undefined ? {} : { linkTarget: bytesOfText(linkTarget) }),
    ...given,
  };
  return { kind: 'upsert', entry, ...(entry.type === 'file' ? { open: () => [Buffer.from(text)] } : {}) };
}

function partOf(name: string, files: Readonly<Record<string, Given>>, folder?: string): TarPart {
  const changes = Object.entries(files).map(([path, given]) => change(path, given));
  return { name, folder, open: () => Promise.resolve(writeTar(Readable.from(changes))) };
}

async function listed(parts: readonly TarPart[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { entry, body } of readTar(joinTars(parts))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    const link = entry.linkTarget === undefined ? '' : ` -> ${textOfBytes(entry.linkTarget)}`;
    lines.push(`${entry.type} ${textOfBytes(entry.path)}${link} ${Buffer.concat(chunks).toString()}`.trimEnd());
  }
  return lines;
}

const ROOT: Readonly<Record<string, Given>> = {
  dir: { type: 'directory', mode: 0o700 },
  'dir/file': { text: 'content' },
  hard: { type: 'hardlink', linkTarget: 'dir/file' },
  soft: { type: 'symlink', linkTarget: 'dir/file' },
};

describe('joinTars', () => {
  test('gives each a folder of its own, and hard links the entries that they mean', async () => {
    const small = { only: { text: 'x' } };
    expect(
      await listed([partOf('linux/amd64', ROOT, 'linux_amd64'), partOf('linux/arm64', small, 'linux_arm64')]),
    ).toEqual([
      'directory linux_amd64',
      'directory linux_amd64/dir',
      'file linux_amd64/dir/file content',
      'hardlink linux_amd64/hard -> linux_amd64/dir/file',
      'symlink linux_amd64/soft -> dir/file',
      'directory linux_arm64',
      'file linux_arm64/only x',
    ]);
  });

  test("puts them side by side: folders of both are the first one's", async () => {
    const other = { dir: { type: 'directory' as const }, 'dir/other': { text: 'o' } };
    expect(await listed([partOf('one', ROOT), partOf('two', other)])).toEqual([
      'directory dir',
      'file dir/file content',
      'hardlink hard -> dir/file',
      'symlink soft -> dir/file',
      'file dir/other o',
    ]);
  });

  test.each<[string, Readonly<Record<string, Given>>]>([
    ['a file', { 'dir/file': { text: 'content' } }],
    ['a folder in the place of a link', { soft: { type: 'directory' } }],
  ])('refuses %s that both have', async (_, other) => {
    const [path = ''] = Object.keys(other);
    await expect(listed([partOf('linux/amd64', ROOT), partOf('linux/arm64', other)])).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: `cannot write "/${path}" of linux/arm64: linux/amd64 has it, too`,
    });
  });
});
