import { expect, test } from 'vitest';
import type { FileTimes } from '../../../../src/builder/build-request.js';
import { recordLayer } from '../../../../src/builder/operations/layer-recorder.js';
import type { OperationParts } from '../../../../src/builder/operations/operation-parts.js';
import { keyedTimes } from '../../../../src/builder/operations/step-time.js';
import { TarParser } from '../../../../src/layers/tar/tar-parser.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { collectBytes } from '../../../support/byte-source.js';
import { directory, file, hardlink, symlink, whiteout } from '../../../support/layer-entries.js';

const at = (seconds: number, nanoseconds = 0): { mtime: { seconds: number; nanoseconds: number } } => ({
  mtime: { seconds, nanoseconds },
});
const CHANGES = [
  directory('d', at(3000)),
  file('d/new', 'n', at(2000, 5)),
  file('d/old', 'o', at(500)),
  hardlink('d/same', 'd/new', at(2000)),
  symlink('link', 'd', at(9000)),
  whiteout('gone'),
];

async function timesOf(times: Pick<OperationParts, 'sourceDateEpoch' | 'fileTimes'>): Promise<unknown> {
  let tar: Buffer = Buffer.alloc(0);
  const blobs = {
    ingest: async (content: AsyncIterable<Uint8Array>) => {
      tar = await collectBytes(content);
      return { digest: digestOf(tar), size: tar.length };
    },
  } as unknown as OperationParts['store']['blobs'];
  const parts = { store: { blobs } as unknown as OperationParts['store'], now: () => 7000_500, ...times };
  const { created } = await recordLayer(parts, CHANGES, new AbortController().signal);
  const seconds = [...new TarParser().push(tar)].flatMap((event) =>
    event.kind === 'entry' ? [event.entry.mtime.seconds] : [],
  );
  return { created, seconds };
}

const kept = [3000, 2000, 500, 2000, 9000, 0];

test.each<[FileTimes | undefined, number[]]>([
  [undefined, [1000, 1000, 500, 1000, 1000, 0]],
  ['bounded', [1000, 1000, 500, 1000, 1000, 0]],
  ['all', [1000, 1000, 1000, 1000, 1000, 0]],
  ['kept', kept],
])('with an epoch, times of files are %s', async (fileTimes, seconds) => {
  const created = '1970-01-01T00:16:40Z';
  expect(await timesOf({ sourceDateEpoch: 1000, fileTimes })).toEqual({ created, seconds });
});

test.each<FileTimes | undefined>([undefined, 'all'])('without an epoch they stay, if %s', async (fileTimes) => {
  const created = '1970-01-01T01:56:40.500Z';
  expect(await timesOf({ sourceDateEpoch: undefined, fileTimes })).toEqual({ created, seconds: kept });
});

test('what gives a layer other times is another key', () => {
  const all = (['kept', 'all', 'bounded', undefined] as const).map((fileTimes) =>
    JSON.stringify(keyedTimes({ sourceDateEpoch: 1, fileTimes })),
  );
  expect(new Set(all).size).toBe(3);
  // As in stores of before.
  expect(keyedTimes({ sourceDateEpoch: 1 })).toBe(1);
  expect(keyedTimes({ fileTimes: 'kept' })).toBeNull();
});
