import { decodeConfig, DOCUMENT_LIMIT } from '../../oci/decode.js';
import type { ManifestDescriptor, RawIndex, RawManifest } from '../../oci/image.js';
import { formatPlatform, platformSatisfies, type Platform } from '../../oci/platform.js';
import { isAttestation, listPlatforms, selectPlatform } from '../../oci/select-platform.js';
import { collect } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import type { RepositorySource } from '../repository/repository-source.js';

export interface ImageChoice {
  /** The name that the user gave, for errors. */
  readonly name: string;
  readonly platform: Platform;
  readonly fetch: (descriptor: ManifestDescriptor) => Promise<RawManifest | RawIndex>;
  readonly source: RepositorySource;
  readonly signal: AbortSignal | undefined;
}

export interface ChosenImage {
  readonly manifest: RawManifest;
  /** Those that led to it, innermost first: each names the one before. */
  readonly indexes: readonly RawIndex[];
}

/** An index may list indexes (image-spec image-index.md); nobody nests them further than this in earnest. */
const MAX_DEPTH = 4;
/** Of entries without a platform, how many are opened to see what they are for. */
const MAX_PROBED = 16;

/**
 * Follows indexes to the manifest for a platform.
 * @throws `PLATFORM_NOT_FOUND` with what there is
 */
export async function chooseImage(choice: ImageChoice, root: ManifestDescriptor): Promise<ChosenImage> {
  const indexes: RawIndex[] = [];
  let descriptor = root;
  while (indexes.length < MAX_DEPTH) {
    const document = await choice.fetch(descriptor);
    if (!isIndex(document)) return { manifest: document, indexes };
    indexes.unshift(document);
    descriptor = await chooseEntry(choice, document);
  }
  throw new TsbuildError(
    'DOCUMENT_INVALID',
    `cannot use "${choice.name}": it is an index of indexes, ${MAX_DEPTH} deep`,
    {
      hint: 'Name the manifest for your platform by its digest.',
    },
  );
}

function isIndex(document: RawManifest | RawIndex): document is RawIndex {
  return 'manifests' in document.value;
}

async function chooseEntry(choice: ImageChoice, index: RawIndex): Promise<ManifestDescriptor> {
  const entry = selectPlatform(index.value, choice.platform) ?? (await chooseUnlabelled(choice, index));
  if (entry !== undefined) return entry;
  const offered = listPlatforms(index.value);
  const wanted = formatPlatform(choice.platform);
  throw new TsbuildError('PLATFORM_NOT_FOUND', `cannot use "${choice.name}": it has no image for ${wanted}`, {
    hint:
      offered.length === 0
        ? 'The index names no platform at all.'
        : `Choose another image, or one of its platforms with --platform: ${offered.join(', ')}.`,
    details: { wanted, offered: offered.join(' ') },
  });
}

/** Entries need not say what they are for; then their configs do. */
async function chooseUnlabelled(choice: ImageChoice, index: RawIndex): Promise<ManifestDescriptor | undefined> {
  const unlabelled = index.value.manifests.filter((entry) => entry.platform === undefined && !isAttestation(entry));
  for (const entry of unlabelled.slice(0, MAX_PROBED)) {
    const document = await choice.fetch(entry);
    if (isIndex(document) || (await isFor(choice, document))) return entry;
  }
  return undefined;
}

async function isFor({ source, platform, signal }: ImageChoice, manifest: RawManifest): Promise<boolean> {
  const { config } = manifest.value;
  const bytes = await collect(await source.openBlob(config, { signal }), DOCUMENT_LIMIT);
  return platformSatisfies(decodeConfig(bytes, config).value, platform);
}
