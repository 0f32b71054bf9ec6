import { digestOf } from '../../oci/digest.js';
import { formatPlatform, type Platform } from '../../oci/platform.js';
import type { ResolvedBase } from '../plan.js';

/** Stands in for an image of which nothing is known. */
export function unknownBase(platform: Platform): ResolvedBase {
  const { os, architecture } = platform;
  return {
    reference: 'unknown',
    manifest: digestOf(`unknown ${formatPlatform(platform)}`),
    config: { os, architecture, config: {}, rootfs: { type: 'layers', diff_ids: [] }, history: [] },
    unknown: true,
  };
}
