import { Readable } from 'node:stream';
import type { ManifestDescriptor } from '../../oci/image.js';
import type { ImageTarget } from '../../oci/image-transfer.js';
import type { Reference } from '../../oci/reference.js';
import { isForeignLayerMediaType } from '../../oci/media-type.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import { discardBlobs } from '../../store/garbage/collect.js';
import type { Store } from '../../store/store.js';
import { blobProgress, type BlobSink } from '../blob-event.js';
import type { MountSources } from '../images/mount-sources.js';
import { transferAll } from '../transfer-all.js';
import type { ImageContent } from './image-content.js';
import { storedImage } from './store-content.js';

export interface DeliverOptions {
  readonly onBlob?: BlobSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeliverToRegistryOptions extends DeliverOptions {
  readonly tag: string | undefined;
  readonly mountSources: MountSources;
}

/**
 * Sends an image to a registry as it is: blobs, then the manifests that name them, the root's tag last.
 * @throws `REGISTRY_*`, `ABORTED`, and what the source throws
 */
export async function deliverToRegistry(
  content: ImageContent,
  target: ImageTarget,
  { tag, mountSources, onBlob, signal }: DeliverToRegistryOptions,
): Promise<void> {
  const sent = content.blobs.filter(
    ({ mediaType, urls = [] }) => !isForeignLayerMediaType(mediaType) || urls.length === 0,
  );
  await transferAll(
    sent,
    async (descriptor, stop) => {
      const { onBytes, finish } = blobProgress(descriptor, onBlob);
      const open = async (): Promise<Readable> => await content.open(descriptor, { signal: stop });
      const blob = { descriptor: asBlob(descriptor), mountFrom: mountSources(descriptor.digest), open };
      finish((await target.pushBlob(blob, { onBytes, signal: stop })) !== 'uploaded');
    },
    signal,
  );
  for (const document of content.documents) {
    const isRoot = document.descriptor.digest === content.root.digest;
    await target.pushManifest(document, { ...(isRoot && tag !== undefined ? { tag } : {}), signal });
  }
}

/** Registries move blobs whatever they are; the types of theirs have images in mind. */
export function asBlob(descriptor: Descriptor<string>): Descriptor {
  return descriptor as Descriptor;
}

export interface DeliverToStoreOptions extends DeliverOptions {
  readonly name: (Reference & { readonly tag: string }) | null;
  /** Whether a registry has the root under a name, and by its digest. */
  readonly fromRegistry: boolean;
}

/**
 * Puts an image into the store, and gives it its name last.
 * @throws `DIGEST_MISMATCH`, `STORE_IO`, `DISK_FULL`, `PLATFORM_NOT_FOUND`, `ABORTED`, and what the source throws
 */
export async function deliverToStore(
  content: ImageContent,
  store: Store,
  { name, fromRegistry, onBlob, signal }: DeliverToStoreOptions,
): Promise<ManifestDescriptor> {
  const { blobs, images } = store;
  const added = new Set<Digest>();
  const lock = await store.lock('shared', { signal });
  try {
    await transferAll(
      content.blobs,
      async (descriptor, stop) => {
        const { digest, size } = descriptor;
        const { onBytes, finish } = blobProgress(descriptor, onBlob);
        const existed = (await blobs.size(digest)) === size;
        if (!existed) {
          added.add(digest);
          const source = await content.open(descriptor, { signal: stop });
          await blobs.ingest(counted(source, onBytes), { expect: { digest, size }, signal: stop });
        }
        finish(existed);
      },
      signal,
    );
    for (const { descriptor, bytes } of content.documents) {
      const { digest, size } = descriptor;
      if (!(await blobs.has(digest))) added.add(digest);
      await blobs.ingest(Readable.from([bytes]), { expect: { digest, size }, signal });
    }
    const image = await storedImage(content.root, name, store);
    await images.put(fromRegistry ? { ...image, resolved: content.root.digest } : image);
    return content.root;
  } catch (error) {
    lock[Symbol.dispose]();
    await discardBlobs(store, added);
    throw error;
  } finally {
    lock[Symbol.dispose]();
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    onBytes(chunk.byteLength);
    yield chunk;
  }
}
