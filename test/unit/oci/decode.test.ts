import { describe, expect, test } from 'vitest';
import {
  checkLayerCount,
  decodeConfig,
  decodeDescriptor,
  decodeIndex,
  decodeManifest,
  decodeManifestOrIndex,
  DOCUMENT_LIMIT,
  layersOf,
  manifestMediaType,
} from '../../../src/oci/decode.js';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { isTsbuildError } from '../../../src/support/errors.js';

const digest = digestOf('');
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size: 3 };
const manifest = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociManifest,
  config: { mediaType: MEDIA_TYPE.ociConfig, digest, size: 2 },
  layers: [layer],
};
const index = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociIndex,
  manifests: [{ mediaType: MEDIA_TYPE.ociManifest, digest, size: 7, platform: { os: 'linux', architecture: 'arm' } }],
};
const config = { os: 'linux', architecture: 'amd64', config: {}, rootfs: { type: 'layers', diff_ids: [digest] } };

const bytesOf = (document: unknown): Buffer =>
  Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
const asManifest = (document: unknown) =>
  decodeManifest(bytesOf(document), { mediaType: MEDIA_TYPE.ociManifest, digest, size: 0 });
const asIndex = (document: unknown) =>
  decodeIndex(bytesOf(document), { mediaType: MEDIA_TYPE.ociIndex, digest, size: 0 });
const asConfig = (document: unknown) =>
  decodeConfig(bytesOf(document), { mediaType: MEDIA_TYPE.ociConfig, digest, size: 0 });

describe('a manifest', () => {
  test('is read, and keeps the bytes it came in', () => {
    const raw = asManifest({ ...manifest, annotations: { a: 'b' }, unknown: 1 });
    expect(raw.value).toEqual({ ...manifest, annotations: { a: 'b' } });
    expect(JSON.parse(Buffer.from(raw.bytes).toString())).toHaveProperty('unknown', 1);
  });

  test('without a media type takes that of its descriptor', () => {
    expect(asManifest({ ...manifest, mediaType: undefined }).value.mediaType).toBe(MEDIA_TYPE.ociManifest);
  });

  test('may have no layers, also in the way Go writes none', () => {
    expect(asManifest({ ...manifest, layers: null }).value.layers).toEqual([]);
    expect(asManifest({ ...manifest, layers: [] }).value.layers).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', ''],
    ['an array', [], ''],
    ['null', 'null', ''],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'schemaVersion'],
    [
      'schema 1, signed',
      { mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws', schemaVersion: 2 },
      'schemaVersion',
    ],
    ['of another media type', { ...manifest, mediaType: MEDIA_TYPE.dockerManifest }, 'mediaType'],
    ['with a media type that is a number', { ...manifest, mediaType: 2 }, 'mediaType'],
    ['without a config', { ...manifest, config: undefined }, 'config'],
    [
      'with a config of an artifact',
      { ...manifest, config: { ...manifest.config, mediaType: 'x/y' } },
      'config.mediaType',
    ],
    [
      'with a layer that is none',
      { ...manifest, layers: [{ ...layer, mediaType: 'text/plain' }] },
      'layers[0].mediaType',
    ],
    ['with layers that are an object', { ...manifest, layers: { length: 1 } }, 'layers'],
    ['with a size below zero', { ...manifest, layers: [layer, { ...layer, size: -1 }] }, 'layers[1].size'],
    ['with a size past 2^53', { ...manifest, layers: [{ ...layer, size: 2 ** 53 }] }, 'layers[0].size'],
    ['with a size with a fraction', { ...manifest, layers: [{ ...layer, size: 1.5 }] }, 'layers[0].size'],
    ['with a size that is text', { ...manifest, layers: [{ ...layer, size: '3' }] }, 'layers[0].size'],
    [
      'with a digest that is a path',
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] },
      'layers[0].digest',
    ],
    [
      'with a digest of another algorithm',
      { ...manifest, layers: [{ ...layer, digest: 'md5:00' }] },
      'layers[0].digest',
    ],
    ['with annotations that are no text', { ...manifest, annotations: { a: 1 } }, 'annotations["a"]'],
    ['with an inherited config', '{"schemaVersion":2,"__proto__":{"config":{}}}', 'config'],
  ])('%s is refused, with the place', (_what, document, path) => {
    expect(thrown(() => asManifest(document))).toMatchObject({ code: 'DOCUMENT_INVALID', details: { path } });
  });

  test('larger than registries take is refused unread', () => {
    const bytes = Buffer.alloc(DOCUMENT_LIMIT + 1, ' ');
    expect(thrown(() => asManifest(bytes.toString())).message).toMatch(/has 4194305 bytes/);
  });

  test('nested without end is refused, not crashed on', () => {
    expect(thrown(() => asManifest('['.repeat(1_000_000))).code).toBe('DOCUMENT_INVALID');
  });
});

describe('a document that reads as two things (CVE-2021-41190) is refused', () => {
  test.each<[string, unknown]>([
    ['a manifest with manifests', { ...manifest, manifests: [] }],
    ['a manifest with fsLayers', { ...manifest, fsLayers: [] }],
  ])('as %s', (_what, document) => {
    expect(thrown(() => asManifest(document)).message).toMatch(/ambiguous/);
  });

  test.each<[string, unknown]>([
    ['an index with layers', { ...index, layers: [] }],
    ['an index with a config', { ...index, config: manifest.config }],
  ])('as %s', (_what, document) => {
    expect(thrown(() => asIndex(document)).message).toMatch(/ambiguous/);
  });
});

describe('an index', () => {
  test('is read with its platforms', () => {
    expect(asIndex(index).value).toEqual(index);
  });

  test('passes over entries that are no images', () => {
    const artifact = { mediaType: 'application/vnd.example+json', digest, size: 1 };
    expect(asIndex({ ...index, manifests: [artifact, ...index.manifests] }).value).toEqual(index);
  });

  test('reads a platform that names nothing as none', () => {
    const entry = { ...index.manifests[0], platform: { os: '', architecture: '' } };
    expect(asIndex({ ...index, manifests: [entry] }).value.manifests[0]).not.toHaveProperty('platform');
  });

  test('may be empty', () => {
    expect(asIndex({ ...index, manifests: null }).value.manifests).toEqual([]);
  });

  test('is refused with an entry that is none', () => {
    expect(thrown(() => asIndex({ ...index, manifests: [null] }))).toMatchObject({ details: { path: 'manifests[0]' } });
  });

  test('is told from a manifest by the media type of its descriptor', () => {
    const raw = decodeManifestOrIndex(bytesOf(index), { mediaType: MEDIA_TYPE.ociIndex, digest, size: 0 });
    expect(raw.value).toHaveProperty('manifests');
  });
});

describe('an image config', () => {
  test('is read, and what Go writes as null is left out', () => {
    const nulls = { Env: null, Cmd: null, Entrypoint: null, Volumes: null, Labels: null, OnBuild: null };
    const raw = asConfig({ ...config, config: { ...nulls, User: '1000', ExposedPorts: { '80/tcp': {} } } });
    expect(raw.value).toEqual({ ...config, config: { User: '1000', ExposedPorts: { '80/tcp': {} } }, history: [] });
  });

  test('keeps history, health check and variant', () => {
    const full = {
      ...config,
      variant: 'v8',
      created: '2026-01-01T00:00:00Z',
      author: 'me',
      config: { Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Retries: 3 }, Shell: ['/bin/sh', '-c'] },
      history: [{ created_by: 'RUN x', empty_layer: true }],
    };
    expect(asConfig(full).value).toEqual(full);
  });

  test('without os and architecture is for linux/amd64', () => {
    expect(asConfig({ rootfs: config.rootfs }).value).toMatchObject({ os: 'linux', architecture: 'amd64', config: {} });
  });

  test('with labels named like parts of JavaScript has them as labels', () => {
    const raw = asConfig(
      '{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Labels":{"__proto__":"a","constructor":"b"}}}',
    );
    const labels = raw.value.config.Labels ?? {};
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  });

  test.each<[string, unknown, string]>([
    ['without rootfs', {}, 'rootfs'],
    ['with a rootfs of another type', { rootfs: { type: 'base' } }, 'rootfs.type'],
    ['with a diffId that is no digest', { rootfs: { type: 'layers', diff_ids: [digest, 'x'] } }, 'rootfs.diff_ids[1]'],
    ['with a user that is a number', { ...config, config: { User: 0 } }, 'config.User'],
    ['with an environment that is a map', { ...config, config: { Env: { A: 'b' } } }, 'config.Env'],
    ['with a command that is text', { ...config, config: { Cmd: 'sh' } }, 'config.Cmd'],
    ['with a label that is no text', { ...config, config: { Labels: { a: null } } }, 'config.Labels["a"]'],
    ['with retries below zero', { ...config, config: { Healthcheck: { Retries: -1 } } }, 'config.Healthcheck.Retries'],
    ['with history that is text', { ...config, history: ['x'] }, 'history[0]'],
  ])('%s is refused, with the place', (_what, document, path) => {
    expect(thrown(() => asConfig(document))).toMatchObject({ code: 'DOCUMENT_INVALID', details: { path } });
  });

  test('gives the layers of its manifest their diffIds', () => {
    const diffIds = [digestOf('lower'), digestOf('upper')];
    const layers = layersOf(
      asManifest({ ...manifest, layers: [layer, { ...layer, size: 4 }] }),
      asConfig({ ...config, rootfs: { type: 'layers', diff_ids: diffIds } }),
    );
    expect(layers.map(({ descriptor, diffId }) => [descriptor.size, diffId])).toEqual([
      [3, diffIds[0]],
      [4, diffIds[1]],
    ]);
  });

  test.each<[string, readonly string[]]>([
    ['fewer', []],
    ['more', [digest, digest]],
  ])('is refused when it names %s layers than the manifest', (_what, diffIds) => {
    const other = asConfig({ ...config, rootfs: { type: 'layers', diff_ids: diffIds } });
    for (const check of [checkLayerCount, layersOf]) {
      expect(thrown(() => check(asManifest(manifest), other))).toMatchObject({
        code: 'DOCUMENT_INVALID',
        message: expect.stringContaining(`names ${diffIds.length} layers, and the manifest 1`) as string,
        details: { path: 'rootfs.diff_ids' },
      });
    }
  });
});

describe('what a document is', () => {
  const kind = (document: unknown, declared?: string) => manifestMediaType(bytesOf(document), { name: 'x', declared });

  test.each<[string, unknown, string | undefined, string]>([
    ['as it says', manifest, undefined, MEDIA_TYPE.ociManifest],
    ['as it says where the header says nothing of use', index, 'text/plain', MEDIA_TYPE.ociIndex],
    ['as the header says', { ...manifest, mediaType: undefined }, MEDIA_TYPE.dockerManifest, MEDIA_TYPE.dockerManifest],
    ['as its members show', { ...manifest, mediaType: undefined }, 'text/plain', MEDIA_TYPE.ociManifest],
    ['as its members show', { ...index, mediaType: undefined }, undefined, MEDIA_TYPE.ociIndex],
  ])('is %s', (_how, document, declared, mediaType) => {
    expect(kind(document, declared)).toBe(mediaType);
  });

  test('is nothing when it and the header disagree', () => {
    expect(() => kind(manifest, MEDIA_TYPE.dockerManifest)).toThrow(/was given as/);
    expect(() => kind({ ...index, mediaType: undefined }, MEDIA_TYPE.ociManifest)).toThrow(/ambiguous/);
  });

  test('is nothing when it is no image', () => {
    expect(() => kind({ mediaType: 'x/y' })).toThrow(/is no image/);
    expect(() => kind({})).toThrow(/neither a manifest nor an index/);
  });
});

test('a descriptor alone is read, whatever its type', () => {
  const value = { mediaType: 'x/y', digest, size: 1, urls: ['https://a'], annotations: { a: 'b' } };
  expect(decodeDescriptor(value, 'index.json')).toEqual(value);
  expect(() => decodeDescriptor({}, 'index.json')).toThrow(/cannot read descriptor "index.json": mediaType is missing/);
});

function thrown(run: () => unknown): { code: string; message: string; details: unknown } {
  try {
    run();
  } catch (error) {
    if (isTsbuildError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
