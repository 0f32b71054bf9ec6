import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBuildContext } from '../../../src/builder/context/build-context.js';
import { ContextIndexes } from '../../../src/builder/context/context-index.js';
import { archiveKind } from '../../../src/builder/context/is-archive.js';
import { buildRequest, type BuildRequest } from '../../../src/builder/build-request.js';
import { tarOf } from '../../support/archive-builder.js';
import { listTree } from '../../support/listing.js';

let folder: string;
const records = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'context-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function listed(given: Partial<BuildRequest>, name?: string): Promise<string[]> {
  const request = buildRequest({ dockerfile: { name: 'Dockerfile', text: '' }, ...given });
  const operation = { kind: 'context', ...(name === undefined ? {} : { name }) } as const;
  return listTree((await openBuildContext(request, operation, new ContextIndexes({ records, now: Date.now }))).tree);
}

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
}

describe('the build context', () => {
  test('pitfall 105: has the Dockerfile, hidden files and empty folders', async () => {
    await write({ Dockerfile: 'FROM x', '.hidden': 'h', '.dockerignore': 'ignored', ignored: 'i' });
    await mkdir(join(folder, 'empty'), { mode: 0o700 });
    const ignore = { name: '.dockerignore', text: 'ignored' };
    expect(await listed({ contextDirectory: folder, ignore })).toEqual([
      '.dockerignore file 600 0:0 "ignored"',
      '.hidden file 600 0:0 "h"',
      'Dockerfile file 600 0:0 "FROM x"',
      'empty directory 700 0:0',
    ]);
    const without = { name: '.dockerignore', text: 'Dockerfile\n.*\n' };
    expect(await listed({ contextDirectory: folder, ignore: without })).toEqual([
      'empty directory 700 0:0',
      'ignored file 600 0:0 "i"',
    ]);
  });

  test('never leads out of its folder', async () => {
    await symlink('/etc', join(folder, 'etc'));
    await symlink('../../../etc/passwd', join(folder, 'passwd'));
    expect(await listed({ contextDirectory: folder })).toEqual([
      'etc symlink 0:0 =/etc',
      'passwd symlink 0:0 =../../../etc/passwd',
    ]);
  });

  test('that is named has its own ignore file, and not the main one', async () => {
    await write({ a: 'a', b: 'b' });
    const named = { kind: 'directory', directory: folder, ignore: { name: '.dockerignore', text: 'a' } } as const;
    const ignore = { name: '.dockerignore', text: 'b' };
    const request = { contextDirectory: folder, ignore, namedContexts: [{ name: 'n', source: named }] };
    expect(await listed(request, 'n')).toEqual(['b file 600 0:0 "b"']);
    expect(await listed(request)).toEqual(['a file 600 0:0 "a"']);
  });

  test('that is an archive has all its files', async () => {
    await writeFile(
      join(folder, 'x.tar'),
      await tarOf([
        ['Dockerfile', 'FROM x'],
        ['.dockerignore', '*'],
      ]),
    );
    expect(await listed({ contextFile: { kind: 'archive', path: join(folder, 'x.tar') } })).toEqual([
      '.dockerignore file 644 0:0 "*"',
      'Dockerfile file 644 0:0 "FROM x"',
    ]);
  });

  test('that is one file has it under its name', async () => {
    await write({ x: 'FROM x' });
    const contextFile = { kind: 'file', path: join(folder, 'x'), name: 'context', modified: 5 } as const;
    expect(await listed({ contextFile })).toEqual(['context file 600 0:0 "FROM x"']);
  });

  test('may be none', async () => {
    expect(await listed({})).toEqual([]);
  });
});

test.each([
  ['1f8b0800', 'a gzip archive'],
  ['425a6839', 'a bzip2 archive'],
  ['fd377a585a0000', 'an xz archive'],
  ['28b52ffd', 'a zstd archive'],
  ['46524f4d', undefined],
  ['', undefined],
  ['00'.repeat(512), undefined],
])('archiveKind() takes %s for %s', (hex, kind) => {
  expect(archiveKind(Buffer.from(hex, 'hex'))).toBe(kind);
});
