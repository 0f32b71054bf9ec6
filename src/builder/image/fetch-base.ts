import { decodeConfig, layersOf } from '../../oci/decode.js';
import type { ManifestDescriptor, RawIndex, RawManifest } from '../../oci/image.js';
import { isManifestMediaType } from '../../oci/media-type.js';
import { formatPlatform, type Platform } from '../../oci/platform.js';
import { selectPlatform } from '../../oci/select-platform.js';
import { formatReference, type Reference } from '../../oci/reference.js';
import type { RepositorySource } from '../../registry/repository/repository-source.js';
import { TsbuildError } from '../../support/errors.js';

import type { Store } from '../../store/store.js';
import type { KnownBase } from './known-base.js';

interface WantedBase {
  readonly source: RepositorySource;
  readonly reference: Reference;
  readonly platform: Platform;
}

/** Manifest and config of an image, from where it is to be had. @throws `PLATFORM_NOT_FOUND`, `DOCUMENT_INVALID` and what the source throws */
export async function fetchBase(
  { source, reference, platform }: WantedBase,
  { store, signal }: { readonly store: Pick<Store, 'blobs'>; readonly signal: AbortSignal },
): Promise<KnownBase> {
  const name = reference.digest === undefined ? { tag: reference.tag ?? 'latest' } : { digest: reference.digest };
  const top = await source.resolve(name, { signal });
  const manifest = await fetchManifest(top, { source, reference, platform }, signal);
  const descriptor = manifest.value.config;
  // Builds that begin at once ask for it once.
  await store.blobs.resume(descriptor, (offset) => source.fetchBlob(descriptor, { offset, signal }), { signal });
  const config = decodeConfig(await store.blobs.read(descriptor), descriptor);
  return { reference, resolved: top.digest, manifest, config, layers: layersOf(manifest, config) };
}

async function fetchManifest(
  top: ManifestDescriptor,
  { source, reference, platform }: WantedBase,
  signal: AbortSignal,
): Promise<RawManifest> {
  const document = await source.fetchManifest(top, { signal });
  if (isManifest(document)) return document;
  const chosen = selectPlatform(document.value, platform);
  if (chosen === undefined) throw noPlatform(reference, platform, document);
  const inner = await source.fetchManifest(chosen, { signal });
  if (isManifest(inner)) return inner;
  const shown = formatReference(reference);
  throw new TsbuildError('DOCUMENT_INVALID', `cannot use image "${shown}": an index within an index`, {
    hint: 'Name the image of one platform by its digest.',
  });
}

function isManifest(document: RawManifest | RawIndex): document is RawManifest {
  return isManifestMediaType(document.descriptor.mediaType);
}

function noPlatform(reference: Reference, platform: Platform, index: RawIndex): TsbuildError {
  const available = index.value.manifests.flatMap((entry) =>
    entry.platform === undefined ? [] : [formatPlatform(entry.platform)],
  );
  return new TsbuildError(
    'PLATFORM_NOT_FOUND',
    `cannot use image "${formatReference(reference)}": no variant for ${formatPlatform(platform)}`,
    { hint: `It has ${available.filter((text) => !text.startsWith('unknown')).join(', ') || 'none'}.` },
  );
}
