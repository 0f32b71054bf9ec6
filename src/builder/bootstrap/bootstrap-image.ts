import type { Digest } from '../../oci/digest.js';
import type { ImageConfig } from '../../oci/image.js';
import type { Platform } from '../../oci/platform.js';

/** PATH of every image that names none of its own, as Docker and the distributions' images have it. */
export const IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface BootstrapConfigOptions {
  /** The host's own: its programs are in the image. */
  readonly platform: Platform;
  readonly diffId: Digest;
  /** As given to `bootstrapChanges`. */
  readonly include: readonly string[];
  /** Seconds since 1970; absent: 0, since the image depends on nothing but the host. */
  readonly sourceDateEpoch?: number | undefined;
}

/** The image config of a bootstrapped base image. Equal for includes in any order. */
export function bootstrapConfig(options: BootstrapConfigOptions): ImageConfig {
  const { platform, diffId, sourceDateEpoch = 0 } = options;
  const created = new Date(sourceDateEpoch * 1000).toISOString().replace('.000Z', 'Z');
  const includes = [...new Set(options.include)].sort().map((program) => ` --include ${program}`);
  return {
    created,
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    config: { Env: [`PATH=${IMAGE_PATH}`], Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, created_by: `bootstrap${includes.join('')}`, comment: 'tsbuild' }],
  };
}
