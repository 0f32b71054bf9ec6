import { describe, expect, test } from 'vitest';
import { assembleImage } from '../../../../src/builder/image/assemble-image.js';
import type { FileSystemResult } from '../../../../src/builder/operations/result.js';
import type { BuildPlan } from '../../../../src/builder/plan.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { ImageConfig, ImageManifest } from '../../../../src/oci/image.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';

const layer = (name: string, created: string | null) => ({
  descriptor: {
    mediaType: created === null ? MEDIA_TYPE.dockerLayerGzip : MEDIA_TYPE.ociLayer,
    digest: digestOf(name),
    size: 1,
  },
  diffId: digestOf(`tar ${name}`),
  created,
});
const plan: BuildPlan['image'] = {
  platform: { os: 'linux', architecture: 'amd64' },
  config: { Env: ['PATH=/bin'] },
  baseHistory: [{ created: '2001-01-01T00:00:00Z', created_by: 'base' }],
  history: [
    { created_by: 'ENV A=b', empty_layer: true },
    { created_by: 'RUN one' },
    { created_by: 'CMD x', empty_layer: true },
    { created_by: 'RUN two' },
  ],
};
const root: FileSystemResult = {
  kind: 'file-system',
  layers: [layer('base', null), layer('one', '2026-01-01T00:00:00Z'), layer('two', '2026-01-02T00:00:00Z')],
};
const read = (image: ReturnType<typeof assembleImage>) => ({
  config: JSON.parse(image.config.bytes.toString()) as ImageConfig,
  manifest: JSON.parse(image.manifest.bytes.toString()) as ImageManifest,
});

describe('assembleImage()', () => {
  test('metadata before the first layer has its time, after a layer that one’s', () => {
    const { config } = read(assembleImage(plan, root));
    expect(config.history.map(({ created }) => created?.slice(0, 10))).toEqual([
      '2001-01-01',
      '2026-01-01',
      '2026-01-01',
      '2026-01-01',
      '2026-01-02',
    ]);
    expect(config.created).toBe('2026-01-02T00:00:00Z');
  });

  test('pitfall 71: there is a diff id for every history entry with a layer', () => {
    const { config } = read(assembleImage(plan, root));
    expect(config.rootfs.diff_ids).toHaveLength(
      config.history.filter(({ empty_layer: empty }) => empty !== true).length,
    );
  });

  test('SOURCE_DATE_EPOCH gives every new entry its time and leaves the base’s', () => {
    const { config } = read(assembleImage(plan, root, { epoch: '1970-01-01T00:00:00Z' }));
    expect(new Set(config.history.slice(1).map(({ created }) => created))).toEqual(new Set(['1970-01-01T00:00:00Z']));
    expect(config.history[0]?.created).toBe('2001-01-01T00:00:00Z');
    expect(config.created).toBe('1970-01-01T00:00:00Z');
  });

  test('an image of metadata only has the time of its base', () => {
    const history = [{ created_by: 'CMD x', empty_layer: true }];
    const { config } = read(
      assembleImage({ ...plan, history }, { kind: 'file-system', layers: root.layers.slice(0, 1) }),
    );
    expect(config.created).toBe('2001-01-01T00:00:00Z');
  });

  test('pitfall 41: an image without layers has an empty list of diff ids', () => {
    const empty = { ...plan, baseHistory: [], history: [] };
    const { config, manifest } = read(assembleImage(empty, { kind: 'file-system', layers: [] }));
    expect(config.rootfs).toEqual({ type: 'layers', diff_ids: [] });
    expect(manifest.layers).toEqual([]);
  });

  test('layers with Docker’s media types are named with OCI’s in an OCI manifest', () => {
    const { manifest } = read(assembleImage(plan, root));
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
      MEDIA_TYPE.ociLayerGzip,
      MEDIA_TYPE.ociLayer,
      MEDIA_TYPE.ociLayer,
    ]);
  });

  test('equal input gives equal bytes', () => {
    expect(assembleImage(plan, root).config.bytes).toEqual(assembleImage(plan, root).config.bytes);
  });
});
