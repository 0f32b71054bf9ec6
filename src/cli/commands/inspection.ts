import type { Digest } from '../../oci/digest.js';
import type { ContainerConfig } from '../../oci/image.js';
import { familiarName, parseReference } from '../../oci/reference.js';
import type { ImageDetails } from '../../toolchain/toolchain-types.js';

/** What `tsbuild inspect` shows, spelled as Docker's image inspection is. */
export interface Inspection {
  readonly Id: Digest;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Comment: string;
  readonly Created: string | undefined;
  readonly Author: string;
  readonly Config: ContainerConfig;
  readonly Architecture: string;
  readonly Variant: string | undefined;
  readonly Os: string;
  /** Bytes. */
  readonly Size: number;
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly Digest[] };
}

export function inspection({ manifest, config, names, repoDigests, size }: ImageDetails): Inspection {
  const { created, author = '', architecture, variant, os, rootfs, history, config: container } = config.value;
  return {
    Id: manifest.value.config.digest,
    RepoTags: names.map((name) => familiarName(parseReference(name))),
    RepoDigests: repoDigests,
    Comment: history.at(-1)?.comment ?? '',
    Created: created,
    Author: author,
    Config: container,
    Architecture: architecture,
    Variant: variant,
    Os: os,
    Size: size,
    RootFS: { Type: rootfs.type, Layers: rootfs.diff_ids },
  };
}
