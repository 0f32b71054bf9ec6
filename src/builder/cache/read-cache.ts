import { decodeConfig, decodeIndex, decodeLinks, isConfigMediaType } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { ManifestDescriptor } from '../../oci/image.js';
import { isIndexMediaType } from '../../oci/media-type.js';
import type { Platform } from '../../oci/platform.js';
import { selectPlatform } from '../../oci/select-platform.js';
import type { RepositorySource } from '../../registry/repository/repository-source.js';
import { collect } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import {
  CACHE_CONFIG_TYPE,
  CACHE_DOCUMENT_LIMIT,
  decodeInlineSteps,
  decodeCache,
  type CacheContent,
  type CacheLayers,
} from './cache-document.js';
import type { CachedStep } from './cached-step.js';

/** What BuildKit's caches call themselves: their keys are digests of definitions that only BuildKit makes. */
const BUILDKIT_CONFIG_TYPE = 'application/vnd.buildkit.cacheconfig.v0';

export interface CachePlace {
  readonly source: RepositorySource;
  readonly wanted: Parameters<RepositorySource['resolve']>[0];
  /** As the user has it. */
  readonly name: string;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/**
 * The steps that a cache has, and the directories of cache mounts, or an image that was built with one in it; no layer is fetched.
 * @throws `DOCUMENT_INVALID` for what is no cache of tsbuild, `IMAGE_NOT_FOUND`, and what the source throws
 */
export async function readCache(place: CachePlace): Promise<CacheContent> {
  const { source, wanted, name, signal } = place;
  const manifest = await manifestOf(place, await source.resolve(wanted, { signal }));
  const { blobs } = decodeLinks(manifest, name);
  const [config, ...layers] = blobs;
  if (config?.mediaType === CACHE_CONFIG_TYPE) {
    return decodeCache(await document(place, config), { layers, name });
  }
  if (config === undefined || !isConfigMediaType(config.mediaType)) throw noCache(name, config?.mediaType);
  const described = { ...config, mediaType: config.mediaType };
  return { steps: inlined(await document(place, config), { layers, name }, described), mounts: [] };
}

function inlined(
  bytes: Buffer,
  of: CacheLayers,
  descriptor: Parameters<typeof decodeConfig>[1],
): readonly CachedStep[] {
  const { diff_ids: diffIds } = decodeConfig(bytes, descriptor).value.rootfs;
  const steps = decodeInlineSteps(bytes, { ...of, diffIds });
  if (steps === undefined) throw noCache(of.name, undefined);
  return steps;
}

/** Of an index, the manifest of the image for the platform. */
async function manifestOf(place: CachePlace, top: ManifestDescriptor): Promise<Buffer> {
  const { source, name, platform, signal } = place;
  const bytes = await source.fetchDocument(top, { signal });
  if (!isIndexMediaType(top.mediaType)) return bytes;
  const index = decodeIndex(bytes, { ...top, mediaType: top.mediaType });
  const chosen = selectPlatform(index.value, platform);
  if (chosen === undefined || isIndexMediaType(chosen.mediaType)) {
    const isBuildKit = decodeLinks(bytes, name).manifests.some(({ mediaType }) => mediaType === BUILDKIT_CONFIG_TYPE);
    throw noCache(name, isBuildKit ? BUILDKIT_CONFIG_TYPE : undefined);
  }
  return await source.fetchDocument(chosen, { signal });
}

async function document({ source, name, signal }: CachePlace, descriptor: Descriptor<string>): Promise<Buffer> {
  const tooLong = (): TsbuildError =>
    new TsbuildError('DOCUMENT_INVALID', `cannot read cache "${name}": it lists too many steps`);
  if (descriptor.size > CACHE_DOCUMENT_LIMIT) throw tooLong();
  // The store and the registry know configs by their digest alone: any type will do to ask for one.
  const blob = { ...descriptor, mediaType: 'application/vnd.oci.image.config.v1+json' } as const;
  return await collect(await source.openBlob(blob, { signal }), CACHE_DOCUMENT_LIMIT, tooLong);
}

function noCache(name: string, found: string | undefined): TsbuildError {
  const state =
    found === BUILDKIT_CONFIG_TYPE
      ? "it is BuildKit's, which knows steps by other keys"
      : 'there is no cache of tsbuild in it';
  return new TsbuildError('DOCUMENT_INVALID', `cannot read cache "${name}": ${state}`, {
    hint: 'Make one with --cache-to type=registry,ref=NAME, or an image that has one in it with --cache-to type=inline.',
  });
}
