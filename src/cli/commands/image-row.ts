import { shortDigest } from '../../oci/digest.js';
import { familiarName } from '../../oci/reference.js';
import type { ImageDetails } from '../../toolchain-types.js';
import { formatCreated } from '../text/age.js';
import { formatSize } from '../text/size.js';

/** The columns of `tsbuild images`, named as Docker names them in `--format json`. */
export interface ImageRow {
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly ID: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly Size: string;
}

export const NONE = '<none>';

export function imageRow({ image, manifest, config, size }: ImageDetails, now: number, trunc: boolean): ImageRow {
  const { digest } = manifest.value.config;
  const { created } = config.value;
  return {
    Repository: image.name === null ? NONE : repositoryOf(image.name),
    Tag: image.name?.tag ?? NONE,
    Digest: image.resolved ?? NONE,
    ID: trunc ? shortDigest(digest) : digest,
    CreatedSince: formatCreated(created, now),
    CreatedAt: created ?? 'N/A',
    Size: formatSize(size),
  };
}

function repositoryOf({ registry, repository }: NonNullable<ImageDetails['image']['name']>): string {
  return familiarName({ registry, repository });
}
