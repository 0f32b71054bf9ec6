import type { BuildResult } from '../../../src/builder/build-request.js';
import { parseDigest } from '../../../src/oci/digest.js';

/** What a build might give. */
export const BUILT: BuildResult = {
  imageId: parseDigest(`sha256:${'1'.repeat(64)}`),
  manifest: {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: parseDigest(`sha256:${'2'.repeat(64)}`),
    size: 400,
  },
  platform: 'linux/amd64',
  stored: true,
  names: ['docker.io/library/x:latest'],
  steps: { total: 2, cached: 1 },
};
