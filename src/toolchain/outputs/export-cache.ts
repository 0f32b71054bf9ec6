import { Readable } from 'node:stream';
import type { CachedMount } from '../../builder/cache/cached-mount.js';
import type { CachedStep } from '../../builder/cache/cached-step.js';
import { CACHE_CONFIG_TYPE, encodeCache, type CacheContent } from '../../builder/cache/cache-document.js';
import type { BuildResult } from '../../builder/build-request.js';
import type { CacheTarget } from './cache-target.js';
import { exportMounts, type ExportMountsOptions } from './export-cache-mounts.js';
import { LayerCompressor } from '../transfer/compress-layer.js';
import { canonicalJson } from '../../oci/canonical-json.js';
import { decodeLinks } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import { MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';
import { parseReference, withDefaultTag } from '../../oci/reference.js';
import type { PushContext } from '../transfer/push-from-store.js';
import { openRegistryClient } from '../transfer/registry-access.js';
import { findMountSources } from '../../registry/images/mount-sources.js';
import type { RegistryClient } from '../../registry/registry-client.js';
import { remoteMounts, withRemoteBlobs, type RemoteBlob } from '../../registry/remote-blobs.js';
import { transferAll } from '../../registry/transfer-all.js';
import type { BlobReader } from '../../store/blob-store.js';
import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import { compressionEvents } from '../transfer/transfer-events.js';

const REF_NAME = 'org.opencontainers.image.ref.name';

/** The documents of a cache, and the layers that its manifest names. */
export interface AssembledCache {
  readonly manifest: { readonly descriptor: Descriptor<string>; readonly bytes: Buffer };
  readonly config: { readonly descriptor: Descriptor<string>; readonly bytes: Buffer };
  readonly layers: readonly Descriptor<LayerMediaType>[];
}

/**
 * Writes the steps of a build to where other builds find them. What fails is told, and ends nothing unless the target says so.
 * @param context.firstNumber of the first target among all that the builds have
 * @throws `ABORTED`; for a target that must succeed, whatever was the matter
 */
export async function exportCaches(
  targets: readonly CacheTarget[],
  result: BuildResult,
  context: ExportContext & { readonly firstNumber?: number | undefined },
): Promise<void> {
  const { progress, now, firstNumber = 0 } = context;
  for (const [index, target] of targets.entries()) {
    const step = `cache-to ${index + firstNumber}`;
    progress({ type: 'step-planned', step, label: `[internal] export cache to ${nameOf(target)}` });
    progress({ type: 'step-started', step, at: now() });
    try {
      await new CacheExport(target, result, { ...context, step }).write();
    } catch (error) {
      if (!isTsbuildError(error) || error.code === 'ABORTED' || target.mustSucceed === true) {
        if (isTsbuildError(error)) progress({ type: 'step-failed', step, at: now(), error: encodeError(error) });
        throw error;
      }
      progress({ type: 'warning', message: `did not export the cache to ${nameOf(target)}: ${error.message}` });
    }
    progress({ type: 'step-done', step, at: now() });
  }
}

type ExportContext = PushContext & Pick<ExportMountsOptions, 'cacheMounts'>;

function nameOf(target: CacheTarget): string {
  return target.type === 'registry' ? target.reference : target.directory;
}

class CacheExport {
  readonly #target: CacheTarget;
  readonly #result: BuildResult;
  readonly #context: ExportContext & { readonly step: string };

  constructor(target: CacheTarget, result: BuildResult, context: ExportContext & { readonly step: string }) {
    this.#target = target;
    this.#result = result;
    this.#context = context;
  }

  async write(): Promise<void> {
    const { store, env, registries, progress, signal } = this.#context;
    const carried = await exportMounts(this.#target, this.#result, this.#context);
    const elsewhere = [...(this.#result.elsewhere ?? []), ...carried.elsewhere];
    using _lock = await store.lock('shared', { signal });
    const client = await openRegistryClient({ env, registries, progress, purpose: 'push' });
    try {
      const blobs = elsewhere.length === 0 ? store.blobs : withRemoteBlobs(store.blobs, elsewhere, { client, signal });
      const sent = new Map<Digest, Descriptor<LayerMediaType>>();
      const content = { steps: await this.#chosenSteps(), mounts: carried.mounts };
      const stored = uniqueLayers([...content.steps, ...content.mounts]);
      await transferAll(
        stored,
        async (layer, stop) => sent.set(layer.digest, await this.#compressed(layer, stop)),
        signal,
      );
      const cache = assembleCache(content, ({ layer }) => sent.get(layer.descriptor.digest) ?? layer.descriptor);
      if (this.#target.type === 'registry') await this.#push(this.#target, cache, { client, blobs, elsewhere });
      else await this.#writeLayout(this.#target, cache, blobs);
    } finally {
      await client.close();
    }
  }

  async #chosenSteps(): Promise<readonly CachedStep[]> {
    const { cache = [], manifest, images } = this.#result;
    if (this.#target.mode === 'max') return cache;
    const ofResult = new Set<Digest>();
    for (const descriptor of images?.map((image) => image.manifest) ?? [manifest]) {
      const document = decodeLinks(await this.#context.store.blobs.read(descriptor), descriptor.digest);
      for (const { digest } of document.blobs) ofResult.add(digest);
    }
    return cache.filter(({ layer }) => ofResult.has(layer.descriptor.digest));
  }

  /** What is elsewhere is named as it is there: to fetch it for another compression would serve nobody. */
  async #compressed(layer: Descriptor<LayerMediaType>, signal: AbortSignal): Promise<Descriptor<LayerMediaType>> {
    const { compression = 'gzip', compressionLevel: level, force = false } = this.#target;
    const { store, progress, now, step } = this.#context;
    const isPlain = layer.mediaType === MEDIA_TYPE.ociLayer;
    if (compression === 'none' || (!isPlain && !force) || !(await store.blobs.has(layer.digest))) return layer;
    const compressor = new LayerCompressor(store, {
      signal,
      level,
      progressOf: compressionEvents(progress, { step, now }),
    });
    return await compressor.compress(layer, compression, signal);
  }

  async #push(
    { reference }: Extract<CacheTarget, { type: 'registry' }>,
    { manifest, config, layers }: AssembledCache,
    {
      client,
      blobs,
      elsewhere,
    }: { readonly client: RegistryClient; readonly blobs: BlobReader; readonly elsewhere: readonly RemoteBlob[] },
  ): Promise<void> {
    const { store, signal } = this.#context;
    const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(reference));
    if (digest !== undefined) throw noDigest(reference);
    const target = client.repository({ registry, repository });
    const known = await findMountSources(store, { registry, repository });
    const mountable = remoteMounts(elsewhere, { registry, repository });
    await transferAll(
      layers,
      async (descriptor, stop) => {
        const mountFrom = mountable(descriptor.digest) ?? known(descriptor.digest);
        await target.pushBlob({ descriptor, mountFrom, open: () => blobs.open(descriptor) }, { signal: stop });
      },
      signal,
    );
    const open = (): Promise<Readable> => Promise.resolve(Readable.from([config.bytes]));
    await target.pushBlob({ descriptor: config.descriptor, open }, { signal });
    await target.pushManifest(manifest, { tag, signal });
  }

  /** What the cache of that name had and nothing in the folder needs any more is removed. */
  async #writeLayout(
    { directory, tag }: Extract<CacheTarget, { type: 'local' }>,
    { manifest, config, layers }: AssembledCache,
    blobs: BlobReader,
  ): Promise<void> {
    const { writeLayout } = await import('../../registry/copy/oci-layout.js');
    const { removeReplaced, reachedInLayout } = await import('../../registry/copy/layout-sweep.js');
    const before = await reachedInLayout(directory, tag);
    const root = { ...manifest.descriptor, mediaType: MEDIA_TYPE.ociManifest };
    await writeLayout(directory, {
      blobs: layers,
      contents: [{ root, documents: [manifest, config], blobs: layers, open: (blob) => blobs.open(blob) }],
      entries: [{ ...manifest.descriptor, annotations: { [REF_NAME]: tag } }],
      signal: this.#context.signal,
    });
    await removeReplaced(directory, before);
  }
}

type Cached = CachedStep | CachedMount;

function uniqueLayers(cached: readonly Cached[]): readonly Descriptor<LayerMediaType>[] {
  return [...new Map(cached.map(({ layer }) => [layer.descriptor.digest, layer.descriptor])).values()];
}

/** An OCI artifact (image-spec manifest.md, "Guidelines for Artifact Usage"): the same content gives the same bytes. */
export function assembleCache(
  content: CacheContent,
  sentAs: (cached: Cached) => Descriptor<LayerMediaType>,
): AssembledCache {
  const listed = [...content.steps, ...content.mounts]
    .map((cached) => sentAs(cached))
    .map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  const layers = [...new Map(listed.map((layer) => [layer.digest, layer])).values()].sort((left, right) =>
    left.digest < right.digest ? -1 : 1,
  );
  const indexOf = new Map(layers.map(({ digest }, index) => [digest, index]));
  const config = documentOf(
    CACHE_CONFIG_TYPE,
    encodeCache(content, (cached) => indexOf.get(sentAs(cached).digest) ?? -1),
  );
  const manifest = documentOf(
    MEDIA_TYPE.ociManifest,
    canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: config.descriptor, layers }),
  );
  return { manifest, config, layers };
}

function documentOf(mediaType: string, text: string): AssembledCache['config'] {
  const bytes = Buffer.from(text);
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function noDigest(reference: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot export the cache to "${reference}": a digest is not for us to choose`, {
    hint: 'Give a name and a tag, as registry.example/team/app:cache.',
  });
}
