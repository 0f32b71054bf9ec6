import { decodeLinks } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { Repository } from '../../oci/reference.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';

/** Which other repository of a registry has a blob, as far as this store knows. */
export type MountSources = (digest: Digest) => Repository | undefined;

/**
 * What was pulled from a registry, or pushed there, is in the repository whose name it has here. An uncompressed layer stands for
 * the blob that it was pushed as.
 */
export async function findMountSources(
  { images, blobs }: Pick<Store, 'images' | 'blobs'>,
  target: Repository,
): Promise<MountSources> {
  const sources = new Map<Digest, Repository>();
  for (const image of await images.list()) {
    const { name, resolved, index, descriptor } = image;
    if (name === null || resolved === undefined || name.registry !== target.registry) continue;
    if (name.repository === target.repository) continue;
    const { registry, repository } = name;
    for (const digest of await reached(blobs, index ?? descriptor)) sources.set(digest, { registry, repository });
  }
  return (digest) => sources.get(digest);
}

async function reached(blobs: Store['blobs'], root: Descriptor<string>): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  const seen = new Set<Digest>();
  for (const waiting = [root]; waiting.length > 0;) {
    const next = waiting.pop();
    if (next === undefined || seen.has(next.digest)) continue;
    seen.add(next.digest);
    try {
      const links = decodeLinks(await blobs.read(next), next.digest);
      for (const { digest } of links.blobs) found.add(digest);
      waiting.push(...links.manifests);
    } catch (error) {
      // What cannot be read here can be mounted from elsewhere, or is uploaded.
      if (!isTsbuildError(error)) throw error;
    }
  }
  return found;
}
