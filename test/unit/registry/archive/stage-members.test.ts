import { expect, test } from 'vitest';
import type { ExtractedMember } from '../../../../src/layers/tar/archive.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { stageMembers, type StagedMembers } from '../../../../src/registry/archive/read/stage-members.js';
import type { BlobInfo, BlobStore } from '../../../../src/store/blob-store.js';
import { collectBytes } from '../../../support/byte-source.js';

/** More than what is kept in memory. */
const SIZE = 300_000;

interface Taken {
  readonly digest: Digest;
  /** Ends the ingestion of what has been read whole. */
  readonly finish: () => void;
  readonly fail: (error: Error) => void;
}

/** A store that takes all bytes at once, and is done with them when it is told so. */
function slowStore(): { readonly blobs: BlobStore; readonly taken: readonly Taken[] } {
  const taken: Taken[] = [];
  const ingest = async (source: AsyncIterable<Uint8Array>): Promise<BlobInfo> => {
    const digest = digestOf(await collectBytes(source));
    await new Promise<void>((finish, fail) => {
      taken.push({ digest, finish, fail });
    });
    return { digest, size: SIZE };
  };
  const none = async function* (): AsyncGenerator<BlobInfo> {
    // It has nothing.
  };
  const blobs: Partial<BlobStore> = { ingest, size: () => Promise.resolve(undefined), list: none };
  return { blobs: blobs as BlobStore, taken };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield Buffer.alloc(SIZE, text);
}

const large = (name: string, text: string): ExtractedMember => ({
  name,
  type: 'file',
  size: SIZE,
  body: bytesOf(text),
});
const link = (name: string, linkName: string): ExtractedMember => ({
  name,
  type: 'symlink',
  linkName,
  size: 0,
  body: bytesOf(''),
});
const digestAs = (text: string): Digest => digestOf(Buffer.alloc(SIZE, text));

interface Begun {
  readonly staging: Promise<StagedMembers>;
  readonly taken: readonly Taken[];
  readonly added: ReadonlySet<Digest>;
}

function begin(...members: readonly ExtractedMember[]): Begun {
  const { blobs, taken } = slowStore();
  const added = new Set<Digest>();
  async function* source(): AsyncGenerator<ExtractedMember> {
    yield* members;
  }
  const staging = stageMembers(source(), { blobs, added });
  staging.catch(() => undefined);
  return { staging, taken, added };
}

/** All that can go on without the store has gone on. */
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a large member is read while the one before it is being finished, and not a third', async () => {
  const { staging, taken } = begin(large('a', 'a'), large('b', 'b'), large('c', 'c'));
  await idle();
  expect(taken.map(({ digest }) => digest)).toEqual([digestAs('a'), digestAs('b')]);
  taken[0]?.finish();
  await idle();
  expect(taken).toHaveLength(3);
  for (const { finish } of taken) finish();
  const staged = await staging;
  expect(staged.names.map((name) => staged.get(name)?.digest)).toEqual(['a', 'b', 'c'].map(digestAs));
});

test('what fails at the end is thrown when the next has been finished too, so that the caller knows what was added', async () => {
  const { staging, taken, added } = begin(large('a', 'a'), large('b', 'b'), large('c', 'c'));
  await idle();
  let settled = false;
  const refused = expect(staging.finally(() => (settled = true))).rejects.toThrow('not its digest');
  taken[0]?.fail(new Error('not its digest'));
  await idle();
  expect(settled).toBe(false);
  taken[1]?.finish();
  await refused;
  expect([...added]).toEqual([digestAs('b')]);
  expect(taken).toHaveLength(2);
});

test('of what has one name, the last counts, whenever it is finished', async () => {
  const { staging, taken } = begin(large('b', 'b'), large('a', 'a'), link('a', 'b'));
  await idle();
  for (const { finish } of [...taken].toReversed()) {
    finish();
    await idle();
  }
  expect((await staging).get('a')?.digest).toBe(digestAs('b'));
});

test('two different members of one name are refused, whichever is finished first', async () => {
  const { staging, taken } = begin(large('a', 'a'), large('a', 'b'));
  await idle();
  for (const { finish } of [...taken].toReversed()) {
    finish();
    await idle();
  }
  await expect(staging).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});
