import { describe, expect, test } from 'vitest';
import { bootstrapConfig } from '../../../../src/builder/bootstrap/bootstrap-image.js';
import { digestOf } from '../../../../src/oci/digest.js';

const diffId = digestOf('layer');
const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };

describe('bootstrapConfig()', () => {
  test('describes the image, and is the same for includes in any order', () => {
    const config = bootstrapConfig({ platform, diffId, include: ['git', 'bash', 'git'] });
    expect(config).toEqual({
      created: '1970-01-01T00:00:00Z',
      architecture: 'arm64',
      variant: 'v8',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [
        { created: '1970-01-01T00:00:00Z', created_by: 'bootstrap --include bash --include git', comment: 'tsbuild' },
      ],
    });
    expect(bootstrapConfig({ platform, diffId, include: ['bash', 'git'] })).toEqual(config);
  });

  test('takes its time from SOURCE_DATE_EPOCH when there is one', () => {
    const config = bootstrapConfig({
      platform: { os: 'linux', architecture: 'amd64' },
      diffId,
      include: [],
      sourceDateEpoch: 1_700_000_000,
    });
    expect(config.created).toBe('2023-11-14T22:13:20Z');
    expect(config).not.toHaveProperty('variant');
    expect(config.history).toEqual([{ created: '2023-11-14T22:13:20Z', created_by: 'bootstrap', comment: 'tsbuild' }]);
  });
});
