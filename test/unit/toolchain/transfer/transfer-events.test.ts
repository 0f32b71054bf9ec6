import { expect, test } from 'vitest';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { byteProgress, compressionEvents, transferEvents } from '../../../../src/toolchain/transfer/transfer-events.js';

const layer = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf('layer'), size: 10_000 };

function recorder(): { readonly clock: { at: number }; readonly now: () => number; readonly events: ProgressEvent[] } {
  const clock = { at: 1000 };
  return { clock, now: () => clock.at, events: [] };
}

test('a layer that is taken up again counts from where it was', () => {
  const { clock, now, events } = recorder();
  const tell = transferEvents((event) => events.push(event), { step: 'pull', direction: 'pull', now });
  const moving = { descriptor: layer, done: false, existed: false };
  tell({ ...moving, current: 4000 });
  clock.at += 400;
  tell({ ...moving, current: 5000 });
  clock.at += 600;
  tell({ ...moving, current: 6000 });
  const paces = events.map((event) => event.type === 'transfer' && [event.bytesPerSecond, event.remainingMs]);
  expect(paces).toEqual([
    [undefined, undefined],
    // What half a second brings says nothing.
    [undefined, undefined],
    [2000, 2000],
  ]);
});

test('each layer has a pace of its own, and the config is not told of', () => {
  const { clock, now, events } = recorder();
  const tell = transferEvents((event) => events.push(event), { step: 'push', direction: 'push', now });
  const other = { ...layer, digest: digestOf('other') };
  tell({ descriptor: layer, current: 0, done: false, existed: false });
  clock.at += 2000;
  tell({ descriptor: other, current: 1, done: false, existed: false });
  tell({ descriptor: { ...layer, mediaType: MEDIA_TYPE.ociConfig }, current: 1, done: true, existed: false });
  tell({ descriptor: layer, current: 1000, done: false, existed: false });
  expect(events).toHaveLength(3);
  expect(events[1]).not.toHaveProperty('bytesPerSecond');
  expect(events[2]).toMatchObject({ item: layer.digest, bytesPerSecond: 500, remainingMs: 18_000 });
});

test('what has no known size has a rate, and no end', () => {
  const { clock, now, events } = recorder();
  const bytes = byteProgress((event) => events.push(event), { step: 'load', item: 'archive', direction: 'read', now });
  bytes.setTotal(undefined);
  clock.at += 1000;
  bytes.onBytes(3000);
  expect(events.at(-1)).toMatchObject({ current: 3000, bytesPerSecond: 3000 });
  expect(events.at(-1)).not.toHaveProperty('remainingMs');
});

test('the compression of a layer is told under its digest', () => {
  const { now, events } = recorder();
  const bytes = compressionEvents((event) => events.push(event), { step: 'push', now })(layer);
  bytes.setTotal(layer.size);
  bytes.onBytes(10_000);
  bytes.finish();
  expect(events).toMatchObject([
    { item: layer.digest, direction: 'compress', current: 0, total: 10_000, done: false },
    { item: layer.digest, direction: 'compress', current: 10_000, total: 10_000, done: true },
  ]);
});
