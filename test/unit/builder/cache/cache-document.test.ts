import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCache,
  decodeInlineSteps,
  encodeCache,
  inlineSteps,
  type CacheLayers,
} from '../../../../src/builder/cache/cache-document.js';
import type { CachedMount } from '../../../../src/builder/cache/cached-mount.js';
import type { CachedStep } from '../../../../src/builder/cache/cached-step.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { runs } from '../../../support/runs.js';

const layer = (name: string): CachedStep['layer'] => ({
  descriptor: { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(`blob ${name}`), size: name.length },
  diffId: digestOf(`content ${name}`),
});
const step = (name: string, keys = 1): CachedStep => ({
  keys: Array.from({ length: keys }, (_, index) => digestOf(`key ${name} ${index}`)).sort(),
  layer: layer(name),
  created: '2026-01-02T03:04:05.006Z',
  label: `[1/2] RUN ${name}`,
});
const byKey = (steps: readonly CachedStep[]): readonly CachedStep[] =>
  steps.toSorted((one, two) => (one.keys.join() < two.keys.join() ? -1 : 1));

const decodeSteps = (bytes: Uint8Array, of: CacheLayers): readonly CachedStep[] => decodeCache(bytes, of).steps;
const encodeSteps = (steps: readonly CachedStep[], indexOf: (one: CachedStep | CachedMount) => number): string =>
  encodeCache({ steps, mounts: [] }, indexOf);

function written(steps: readonly CachedStep[]): {
  readonly text: string;
  readonly of: CacheLayers;
} {
  const layers = steps.map((one) => one.layer.descriptor);
  return { text: encodeSteps(steps, (one) => layers.indexOf(one.layer.descriptor)), of: { layers, name: 'x' } };
}

describe('the document of a cache', () => {
  test('gives back what was written, whatever the order it was written in', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 20 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 4 }), (labels, keys) => {
        const steps = labels.map((label) => step(label, keys));
        const { text, of } = written(steps);
        expect(decodeSteps(Buffer.from(text), of)).toEqual(byKey(steps));
        const layers = of.layers.toReversed();
        const indexOf = (one: CachedStep | CachedMount): number => layers.indexOf(one.layer.descriptor);
        expect(decodeSteps(Buffer.from(encodeSteps(steps.toReversed(), indexOf)), { ...of, layers })).toEqual(
          byKey(steps),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('has the directories of cache mounts, in the order of their names', () => {
    const mounts = ['b', 'a'].map((id) => ({ id, variant: '[]', layer: layer(id) }));
    const layers = mounts.map((mount) => mount.layer.descriptor);
    const indexOf = (one: CachedStep | CachedMount): number => layers.indexOf(one.layer.descriptor);
    const text = encodeCache({ steps: [], mounts }, indexOf);
    expect(decodeCache(Buffer.from(text), { layers, name: 'x' }).mounts).toEqual(mounts.toReversed());
    expect(encodeCache({ steps: [], mounts: mounts.toReversed() }, indexOf)).toBe(text);
    // As before there were any.
    expect(encodeCache({ steps: [], mounts: [] }, indexOf)).toBe('{"steps":[],"version":1}');
  });

  const mount = { id: 'm', variant: '[]', layer: 0, diffId: digestOf('d') };
  test.each<[object, RegExp]>([
    [{ ...mount, id: '' }, /id is no id/],
    [{ ...mount, id: 'a\u001b[2J' }, /id is no id/],
    [{ ...mount, id: 'x'.repeat(5000) }, /id is no id/],
    [{ ...mount, variant: 'x'.repeat(257) }, /variant is too long/],
    [{ ...mount, layer: 1 }, /there is no such layer/],
    [{ ...mount, diffId: 'x' }, /is no digest/],
  ])('is refused with the mount %.60j', (wrong, message) => {
    const text = JSON.stringify({ version: 1, steps: [], mounts: [wrong] });
    expect(() => decodeSteps(Buffer.from(text), { layers: [layer('a').descriptor], name: 'x' })).toThrow(message);
    const many = JSON.stringify({ version: 1, steps: [], mounts: Array(1001).fill(mount) });
    expect(() => decodeSteps(Buffer.from(many), { layers: [layer('a').descriptor], name: 'x' })).toThrow(/1000/);
  });

  test('is read from an image config too, where it is one with the diffIds', () => {
    const steps = [step('a'), step('b')];
    const diffIds = steps.map(({ layer: { diffId } }) => diffId);
    const of = { layers: steps.map(({ layer: { descriptor } }) => descriptor), diffIds, name: 'x' };
    const config = { rootfs: {}, 'dev.tsbuild.cache.v1': inlineSteps([...steps, step('of another stage')], diffIds) };
    expect(decodeInlineSteps(Buffer.from(JSON.stringify(config)), of)).toEqual(byKey(steps));
    expect(decodeInlineSteps(Buffer.from('{"rootfs":{}}'), of)).toBeUndefined();
    const swapped = { ...of, diffIds: diffIds.toReversed() };
    expect(() => decodeInlineSteps(Buffer.from(JSON.stringify(config)), swapped)).toThrow(/diffId is not what/);
  });

  test('CVE-2024-23650: is read or refused in words, whatever is in it or missing', () => {
    const names = fc.constantFrom(
      'version',
      'steps',
      'mounts',
      'keys',
      'layer',
      'diffId',
      'created',
      'label',
      'rootfs',
      '__proto__',
    );
    const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })));
    const documents = fc.oneof(
      odd,
      fc.record({ version: fc.constant(1), steps: fc.oneof(odd, fc.array(odd, { maxLength: 3 })) }),
    );
    const decoders = [decodeSteps, (bytes: Uint8Array, of: typeof none) => decodeInlineSteps(inlined(bytes), of)];
    const inlined = (bytes: Uint8Array): Uint8Array => Buffer.from(`{"dev.tsbuild.cache.v1":${String(bytes)}}`);
    const none = { layers: [layer('a').descriptor], name: 'x' };
    let refused = 0;
    fc.assert(
      fc.property(documents, fc.constantFrom(...decoders), (document, decode) => {
        try {
          decode(Buffer.from(JSON.stringify(document)), none);
        } catch (error) {
          if (!isTsbuildError(error, 'DOCUMENT_INVALID')) throw error;
          refused += 1;
        }
      }),
      { numRuns: runs(1000) },
    );
    expect(refused).toBeGreaterThan(runs(1000) / 2);
  });

  const valid = { created: '2026-01-02T03:04:05Z', diffId: digestOf('d'), keys: [digestOf('k')], label: 'l', layer: 0 };
  test.each([
    ['no JSON', 'nonsense', /is no JSON/],
    ['a later version', { version: 2, steps: [] }, /version is 2/],
    ['no steps', { version: 1 }, /steps is missing/],
    ['too many steps', { version: 1, steps: Array(20_001).fill(valid) }, /more than 20000 steps/],
    ['a layer that is not there', { version: 1, steps: [{ ...valid, layer: 7 }] }, /there is no such layer/],
    ['a layer by a negative number', { version: 1, steps: [{ ...valid, layer: -1 }] }, /layer/],
    ['a layer that is none', { version: 1, steps: [{ ...valid, layer: 1 }] }, /which is no layer/],
    ['a layer from somewhere else', { version: 1, steps: [{ ...valid, layer: 2 }] }, /which is no layer/],
    ['a key that is a path', { version: 1, steps: [{ ...valid, keys: ['../../x'] }] }, /is no digest/],
    ['too many keys', { version: 1, steps: [{ ...valid, keys: Array(17).fill(digestOf('k')) }] }, /more than 16 keys/],
    ['a time that is none', { version: 1, steps: [{ ...valid, created: 'now' }] }, /is no time/],
    ['a month that is none', { version: 1, steps: [{ ...valid, created: '2026-13-02T03:04:05Z' }] }, /is no time/],
  ])('is refused with %s', (_, document, message) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    const layers = [
      layer('a').descriptor,
      { ...layer('b').descriptor, mediaType: 'text/plain' },
      { ...layer('c').descriptor, mediaType: MEDIA_TYPE.ociForeignLayer },
    ];
    expect(() => decodeSteps(Buffer.from(text), { layers, name: 'x' })).toThrow(message);
  });
});
