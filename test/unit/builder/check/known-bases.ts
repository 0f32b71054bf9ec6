import type { BaseResolver } from '../../../../src/builder/plan.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { TsbuildError } from '../../../../src/support/errors.js';

const NAMES = ['alpine', 'busybox', 'debian', 'ubuntu'];

/** Small images for amd64, as the registry had them for which the fixtures were recorded. */
export const knownBases: BaseResolver = (reference) => {
  const [, name = ''] = /^docker\.io\/library\/([^:]*):/.exec(String(reference)) ?? [];
  if (!NAMES.includes(name)) {
    return Promise.reject(
      new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${String(reference)}": no such image`),
    );
  }
  return Promise.resolve({
    reference: String(reference),
    manifest: digestOf(String(reference)),
    config: {
      os: 'linux',
      architecture: 'amd64',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [digestOf('layer')] },
      history: [],
    },
  });
};
