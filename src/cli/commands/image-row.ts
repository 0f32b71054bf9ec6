import { shortDigest } from '../../oci/digest.js';
import { familiarName } from '../../oci/reference.js';
import type { ImageDetails } from '../../toolchain/toolchain-types.js';
import { formatCreated } from '../text/age.js';
import { formatSize } from '../text/size.js';
import type { Headings, Row } from '../template/format-rows.js';

/** What `tsbuild images` shows of an image, named as Docker names it in `--format`. */
export interface ImageRow extends Row {
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly ID: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly Size: string;
}

export const IMAGE_HEADINGS: Headings = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
};

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
