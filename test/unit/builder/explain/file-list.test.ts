import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileChanges } from '../../../../src/builder/explain/file-changes.js';
import { decodeFileList, FileList, RememberedFiles } from '../../../../src/builder/explain/file-list.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';

const HASH = 'ab'.repeat(32);
type Row = readonly [path: string, attributes: string, content: string];

function listOf(rows: readonly Row[]): FileList {
  const list = new FileList();
  for (const [path, attributes, content] of rows) list.add(bytesOfText(path), attributes, content);
  return list;
}
/** As the next build finds it. */
const remembered = async (list: FileList): Promise<RememberedFiles> => {
  const record = JSON.stringify(await list.encode());
  return new RememberedFiles(() => Promise.resolve(JSON.parse(record)));
};

describe('a list of files', () => {
  test('is read as it was written', async () => {
    const row = fc.tuple(
      fc.string(),
      fc.constantFrom('file 644 root 0:0', 'file 755 1:2 0:0', 'symlink 777 root 0:0', 'file 644 root 0:0 sha256:1'),
      fc.oneof(fc.constantFrom('', HASH, '../target'), fc.string()),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(row, { selector: ([path]) => bytesOfText(path) }), async (rows) => {
        const list = listOf(rows);
        expect(await (await remembered(list)).files()).toEqual(await list.files());
        expect(list.size).toBe(rows.length);
      }),
    );
  });

  test.each([null, {}, { version: 1 }, { version: 1, paths: ['a'], attributes: [], attributesOf: [], contents: '' }])(
    'what is none is not taken for one: %j',
    (record) => {
      expect(decodeFileList(record)).toBeUndefined();
    },
  );

  test('ends at its bound and says so', () => {
    const list = new FileList();
    for (let number = 0; number < 5; number += 1) list.add(bytesOfText('x'.repeat(4 << 20)), 'file 644 root 0:0', HASH);
    expect(list.isWhole).toBe(false);
  });
});

describe('how two lists differ', () => {
  const plain = 'file 644 root 0:0';
  const difference = async (before: readonly Row[], after: readonly Row[]): Promise<unknown> =>
    fileChanges(await listOf(before).files(), await listOf(after).files());

  test.each<[string, Row | undefined, Row | undefined, unknown]>([
    ['added', undefined, ['a', plain, HASH], { how: 'added' }],
    ['removed', ['a', plain, HASH], undefined, { how: 'removed' }],
    ['other content', ['a', plain, HASH], ['a', plain, 'cd'.repeat(32)], { how: 'content' }],
    [
      'another mode',
      ['a', plain, HASH],
      ['a', 'file 755 root 0:0', HASH],
      { how: 'mode', before: '644', after: '755' },
    ],
    [
      'another owner',
      ['a', 'file 644 1:1 0:0', HASH],
      ['a', 'file 644 2:1 0:0', HASH],
      { how: 'owner', before: '1:1', after: '2:1' },
    ],
    [
      'another type',
      ['a', plain, HASH],
      ['a', 'symlink 777 root 0:0', 'b'],
      { how: 'type', before: 'file', after: 'symlink' },
    ],
    ['another link', ['a', 'symlink 777 root 0:0', 'b'], ['a', 'symlink 777 root 0:0', 'c'], { how: 'content' }],
    ['attributes', ['a', plain, HASH], ['a', `${plain} sha256:1`, HASH], { how: 'attributes' }],
  ])('%s', async (_name, before, after, expected) => {
    const found = await difference(before === undefined ? [] : [before], after === undefined ? [] : [after]);
    expect(found).toEqual({ what: 'files', total: 1, files: [{ path: 'a', ...(expected as object) }] });
  });

  test('in nothing, or in many of which the first are named in order', async () => {
    expect(await difference([['a', plain, HASH]], [['a', plain, HASH]])).toBeUndefined();
    const many = Array.from({ length: 300 }, (_, number): Row => [`f${String(number).padStart(3, '0')}`, plain, HASH]);
    const found = (await difference([], many.toReversed())) as { total: number; files: readonly { path: string }[] };
    expect(found.total).toBe(300);
    expect(found.files.map(({ path }) => path)).toEqual(many.slice(0, 50).map(([path]) => path));
  });
});
