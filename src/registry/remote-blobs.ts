import type { Readable } from 'node:stream';
import type { Descriptor } from '../oci/descriptor.js';
import type { LayerMediaType } from '../oci/media-type.js';
import type { Repository } from '../oci/reference.js';
import type { BlobInfo, BlobReader, BlobStore } from '../store/blob-store.js';
import { openPlace, type BlobPlace } from './blob-place.js';
import type { MountSources } from './images/mount-sources.js';
import type { RegistryClient } from './registry-client.js';

/** A layer that the store lacks, and where it is. */
export interface RemoteBlob {
  readonly descriptor: Descriptor<LayerMediaType>;
  readonly place: BlobPlace;
}

/** The blobs of a store, and others that come into it when they are opened. */
export function withRemoteBlobs(
  blobs: BlobStore,
  remote: readonly RemoteBlob[],
  { client, signal }: { readonly client: RegistryClient; readonly signal?: AbortSignal | undefined },
): BlobReader {
  const places = new Map(remote.map((blob) => [blob.descriptor.digest, blob]));
  const bring = async (blob: BlobInfo): Promise<void> => {
    const known = places.get(blob.digest);
    if (known === undefined || (await blobs.has(blob.digest))) return;
    const source = await openPlace(known.place, () => Promise.resolve(client));
    await blobs.resume(known.descriptor, (offset) => source.fetchBlob(known.descriptor, { offset, signal }), {
      signal,
    });
  };
  return {
    has: (digest) => blobs.has(digest),
    read: async (blob) => {
      await bring(blob);
      return await blobs.read(blob);
    },
    open: async (blob): Promise<Readable> => {
      await bring(blob);
      return await blobs.open(blob);
    },
  };
}

/** Where a registry has blobs, by where they would be fetched from. */
export function remoteMounts(remote: readonly RemoteBlob[], target: Repository): MountSources {
  const sources = new Map(
    remote.flatMap(({ descriptor, place }) =>
      place.kind === 'repository' &&
      place.repository.registry === target.registry &&
      place.repository.repository !== target.repository
        ? [[descriptor.digest, place.repository] as const]
        : [],
    ),
  );
  return (digest) => sources.get(digest);
}
