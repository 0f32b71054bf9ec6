import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildRequest } from '../../../../src/builder/build-request.js';
import { openBuildContext } from '../../../../src/builder/context/build-context.js';
import { ContextIndex, ContextIndexes } from '../../../../src/builder/context/context-index.js';
import { createDirectoryTree } from '../../../../src/layers/directory-tree.js';
import type { StatedTree } from '../../../../src/layers/stated-tree.js';
import { bytesOfText, type ByteString } from '../../../../src/support/byte-string.js';

let folder: string;
let saved: unknown;
let writes: number;
/** Milliseconds that the build is later than it is: an hour, so that the files of a test are old. */
let later: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'context-index-'));
  [saved, writes, later] = [undefined, 0, 3_600_000];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const options = {
  records: {
    load: () => Promise.resolve(saved),
    save: (_kind: unknown, _key: unknown, record: unknown) => {
      saved = JSON.parse(JSON.stringify(record));
      writes += 1;
      return Promise.resolve();
    },
  },
  now: (): number => Date.now() + later,
};

const write = (name: string, text: string): void => {
  writeFileSync(join(folder, name), text);
};

/** What a build does: @returns the hashes, and the files that it read for them. */
async function build(
  ...names: string[]
): Promise<{ readonly hashes: readonly string[]; readonly read: readonly string[] }> {
  const tree = createDirectoryTree(folder);
  const read: string[] = [];
  const counted: Pick<StatedTree, 'state' | 'read'> = {
    state: tree.state.bind(tree),
    read: (path) => {
      read.push(path);
      return tree.read(path);
    },
  };
  const index = new ContextIndex(folder, options);
  await index.load();
  const hashes = names.map((name) => index.hash(counted, bytesOfText(name)));
  await index.save();
  return { hashes, read };
}

describe('a context index', () => {
  test('reads each file once, as long as none is changed, and is then not written again', async () => {
    const names = Array.from({ length: 300 }, (_, number) => `file ${String(number).padStart(3, '0')}`);
    for (const name of names) write(name, `content of ${name}`);
    const first = await build(...names);
    expect(first.read).toEqual(names);
    expect(await build(...names)).toEqual({ hashes: first.hashes, read: [] });
    expect(await build(...names.toReversed())).toEqual({ hashes: first.hashes.toReversed(), read: [] });
    // Twice in one build, as two instructions ask.
    expect((await build('file 001', 'file 001')).read).toEqual([]);
    expect(writes).toBe(1);
  });

  test('keeps what another target of the same Dockerfile takes', async () => {
    for (const name of ['a', 'b']) write(name, name);
    await build('a');
    await build('b');
    expect((await build('a', 'b')).read).toEqual([]);
  });

  test.each([
    [
      'is written anew with the same size and time',
      () => {
        const { mtime } = statSync(join(folder, 'b'));
        write('b', 'B');
        utimesSync(join(folder, 'b'), mtime, mtime);
      },
    ],
    [
      'is another file of the same size and time',
      () => {
        const { mtime } = statSync(join(folder, 'b'));
        write('other', 'B');
        utimesSync(join(folder, 'other'), mtime, mtime);
        renameSync(join(folder, 'other'), join(folder, 'b'));
      },
    ],
    [
      'is longer',
      () => {
        write('b', 'BB');
      },
    ],
  ])('reads a file again that %s', async (_, change) => {
    for (const name of ['a', 'b', 'c']) write(name, name);
    const before = await build('a', 'b', 'c');
    change();
    const after = await build('a', 'b', 'c');
    expect(after.read).toEqual(['b']);
    expect(after.hashes[1]).not.toBe(before.hashes[1]);
    expect((await build('a', 'b', 'c')).read).toEqual([]);
  });

  test('does not remember a file that was changed within the resolution of the clock', async () => {
    later = 0;
    write('fresh', 'one');
    await build('fresh');
    // The second change within one tick would leave size and times as they are.
    expect((await build('fresh')).read).toEqual(['fresh']);
  });

  test('takes two seconds for the resolution where times are whole seconds', async () => {
    write('coarse', 'x');
    const path = bytesOfText('coarse');
    const changed = BigInt(Math.floor(options.now() / 1000) - 1) * 1_000_000_000n;
    const state = { dev: 1n, ino: 2n, size: 1n, mtimeNs: changed, ctimeNs: changed };
    const reads: ByteString[] = [];
    const tree = { state: () => state, read: (read: ByteString) => [Buffer.from(reads.push(read) > 9 ? 'y' : 'x')] };
    for (let times = 0; times < 2; times += 1) {
      const index = new ContextIndex(folder, options);
      await index.load();
      index.hash(tree, path);
      await index.save();
    }
    expect(reads).toHaveLength(2);
  });

  test.each([
    ['nothing', undefined],
    ['a number', 7],
    ['another version', { version: 2, paths: [], states: '', hashes: '' }],
    ['columns of unequal lengths', { version: 1, paths: ['a'], states: '', hashes: '' }],
    ['a path that is none', { version: 1, paths: [7], states: 'A'.repeat(54), hashes: 'A'.repeat(43) }],
  ])('that is damaged is none: %s', async (_, record) => {
    write('a', 'a');
    saved = record;
    expect((await build('a')).read).toEqual(['a']);
    expect((await build('a')).read).toEqual([]);
  });
});

test('a context gives the hashes of its files, with an ignore file and without one', async () => {
  mkdirSync(join(folder, 'd'));
  write('d/kept', 'kept');
  write('d/left', 'left');
  for (const ignore of [null, { name: '.dockerignore', text: 'd/left' }]) {
    const request = buildRequest({ dockerfile: { name: 'Dockerfile', text: '' }, contextDirectory: folder, ignore });
    const { tree } = await openBuildContext(request, { kind: 'context' }, new ContextIndexes(options));
    expect(tree.list(bytesOfText('d'))).toEqual(ignore === null ? ['kept', 'left'] : ['kept']);
    expect(tree.hash?.(bytesOfText('d/kept'))).toBe('79f076abdd19a752db7267bfff2f9022161d120dea919fdaca2ffdfc24ca8c96');
  }
});
