import { TsbuildError } from '../support/errors.js';
import { invariant } from '../support/invariant.js';
import { decodeContainerConfig, decodeHistoryEntry } from './decode-container-config.js';
import {
  arrayOf,
  count,
  has,
  objectOf,
  optional,
  pick,
  readJson,
  recordOf,
  required,
  ShapeError,
  string,
  type Decode,
  type JsonObject,
} from './decode-value.js';
import type { Descriptor } from './descriptor.js';
import { isDigest, type Digest } from './digest.js';
import type {
  ImageConfig,
  ImageIndex,
  ImageManifest,
  ManifestDescriptor,
  RawConfig,
  RawIndex,
  RawManifest,
} from './image.js';
import type { Layer } from './layer.js';
import {
  isIndexMediaType,
  isManifestMediaType,
  MEDIA_TYPE,
  type ConfigMediaType,
  type IndexMediaType,
  type LayerMediaType,
  type ManifestMediaType,
  type MediaType,
} from './media-type.js';
import type { Platform } from './platform.js';

// Documents come from registries and archives that anybody may have written. Nothing here trusts their shape: members are read
// by name, checked one by one and copied; unknown members are left behind in the bytes.

/** Bytes. Registries take manifests of up to 4 MiB (distribution-spec, "Pushing Manifests"); a config is no larger. */
export const DOCUMENT_LIMIT: number = 4 * 1024 * 1024;

/**
 * image-spec manifest.md. That the bytes are the descriptor's is the caller's to check.
 * @throws `DOCUMENT_INVALID`; `details.path` says where in the document
 */
export function decodeManifest(bytes: Uint8Array, descriptor: Descriptor<ManifestMediaType>): RawManifest {
  return reading('manifest', descriptor.digest, () => {
    const document = documentOf(bytes);
    checkMediaType(document, descriptor.mediaType);
    const value: ImageManifest = {
      schemaVersion: 2,
      mediaType: descriptor.mediaType,
      config: required(document, 'config', descriptorOf(isConfigMediaType, 'an image config')),
      layers: optional(document, 'layers', arrayOf(descriptorOf(isLayerMediaType, 'a layer'))) ?? [],
      ...annotationsOf(document),
    };
    return { descriptor, bytes, value };
  });
}

/**
 * image-spec image-index.md, and Docker's manifest list. Entries that are neither manifest nor index are passed over: an index
 * may list things that are no images.
 * @throws `DOCUMENT_INVALID`; `details.path` says where in the document
 */
export function decodeIndex(bytes: Uint8Array, descriptor: Descriptor<IndexMediaType>): RawIndex {
  return reading('index', descriptor.digest, () => {
    const document = documentOf(bytes);
    checkMediaType(document, descriptor.mediaType);
    const entries = optional(document, 'manifests', arrayOf(decodeAnyDescriptor)) ?? [];
    const value: ImageIndex = {
      schemaVersion: 2,
      mediaType: descriptor.mediaType,
      manifests: entries.filter(isManifestDescriptor),
      ...annotationsOf(document),
    };
    return { descriptor, bytes, value };
  });
}

/** Whichever the descriptor's media type says. @throws `DOCUMENT_INVALID` */
export function decodeManifestOrIndex(bytes: Uint8Array, descriptor: ManifestDescriptor): RawManifest | RawIndex {
  const { mediaType } = descriptor;
  return isIndexMediaType(mediaType)
    ? decodeIndex(bytes, { ...descriptor, mediaType })
    : decodeManifest(bytes, { ...descriptor, mediaType });
}

/**
 * image-spec config.md. A missing `os` or `architecture` is read as linux and amd64, which is all that there was when configs
 * could lack them.
 * @throws `DOCUMENT_INVALID`; `details.path` says where in the document
 */
export function decodeConfig(bytes: Uint8Array, descriptor: Descriptor<ConfigMediaType>): RawConfig {
  return reading('image config', descriptor.digest, () => {
    const document = documentOf(bytes);
    const value: ImageConfig = {
      ...pick<Required<Pick<ImageConfig, 'created' | 'author'>>>(document, { created: string, author: string }),
      ...configPlatform(document.members, ''),
      config: optional(document, 'config', decodeContainerConfig) ?? {},
      rootfs: required(document, 'rootfs', decodeRootfs),
      history: optional(document, 'history', arrayOf(decodeHistoryEntry)) ?? [],
    };
    return { descriptor, bytes, value };
  });
}

/**
 * The manifest's layers and the config's diffIds are two lists of the same things.
 * @throws `DOCUMENT_INVALID`
 */
export function checkLayerCount(manifest: RawManifest, config: RawConfig): void {
  const layers = manifest.value.layers.length;
  const diffIds = config.value.rootfs.diff_ids.length;
  reading('image config', config.descriptor.digest, () => {
    if (layers === diffIds) return;
    throw new ShapeError('rootfs.diff_ids', `names ${diffIds} layers, and the manifest ${layers}`);
  });
}

/**
 * The layers of an image, lowest first: blobs by its manifest, diffIds by its config.
 * @throws `DOCUMENT_INVALID` when one of them names more than the other
 */
export function layersOf(manifest: RawManifest, config: RawConfig): readonly Layer[] {
  checkLayerCount(manifest, config);
  const { diff_ids: diffIds } = config.value.rootfs;
  return manifest.value.layers.map((descriptor, index) => {
    const diffId = diffIds[index];
    invariant(diffId !== undefined, 'there are as many diffIds as layers');
    return { descriptor, diffId };
  });
}

/** What a manifest or index of any kind names, and what it says it is. */
export interface DocumentLinks {
  /** As listings of referrers have it (distribution-spec, "Listing Referrers"): its own, else its config's media type. */
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Manifests and indexes, of whatever media type. */
  readonly manifests: readonly Descriptor<string>[];
  /** Config, layers, and the blobs of old artifact manifests. */
  readonly blobs: readonly Descriptor<string>[];
  /** What the document is about (image-spec manifest.md, "subject"); it need not be anywhere. */
  readonly subject?: Descriptor<string> | undefined;
}

/**
 * What belongs to a document, whether or not it is an image: for who moves it as it is.
 * @param name for errors
 * @throws `DOCUMENT_INVALID`; `details.path` says where in the document
 */
export function decodeLinks(bytes: Uint8Array, name: string): DocumentLinks {
  return reading('manifest', name, () => {
    const document = documentOf(bytes);
    const listed = (member: string): readonly Descriptor<string>[] =>
      optional(document, member, arrayOf(decodeAnyDescriptor)) ?? [];
    const config = optional(document, 'config', decodeAnyDescriptor);
    return {
      artifactType: optional(document, 'artifactType', string) ?? config?.mediaType,
      ...annotationsOf(document),
      manifests: listed('manifests'),
      blobs: [...(config === undefined ? [] : [config]), ...listed('layers'), ...listed('blobs')],
      subject: optional(document, 'subject', decodeAnyDescriptor),
    };
  });
}

/** Of any media type. @throws `DOCUMENT_INVALID` */
export function decodeDescriptor(value: unknown, name: string): Descriptor<string> {
  return reading('descriptor', name, () => decodeAnyDescriptor(value, ''));
}

/**
 * What a document is: as it says itself, else as whoever gave it said, else as its members show.
 * @throws `DOCUMENT_INVALID` when the two disagree (image-spec manifest.md, "mediaType"), and for what is no image
 */
export function manifestMediaType(
  bytes: Uint8Array,
  options: { readonly name: string; readonly declared?: string | undefined },
): ManifestMediaType | IndexMediaType {
  return reading('manifest', options.name, () => {
    const document = documentOf(bytes);
    const declared = isKnownManifest(options.declared) ? options.declared : undefined;
    const own = optional(document, 'mediaType', string) ?? declared ?? guessMediaType(document);
    if (!isKnownManifest(own)) throw new ShapeError('mediaType', `is ${JSON.stringify(own)}, which is no image`);
    checkMediaType(document, declared ?? own);
    return own;
  });
}

export function isConfigMediaType(text: string): text is ConfigMediaType {
  return text === MEDIA_TYPE.ociConfig || text === MEDIA_TYPE.dockerConfig;
}

const LAYER_TYPES: ReadonlySet<string> = new Set<LayerMediaType>([
  MEDIA_TYPE.ociLayer,
  MEDIA_TYPE.ociLayerGzip,
  MEDIA_TYPE.ociLayerZstd,
  MEDIA_TYPE.dockerLayer,
  MEDIA_TYPE.dockerLayerGzip,
  MEDIA_TYPE.dockerForeignLayerGzip,
  MEDIA_TYPE.ociForeignLayer,
  MEDIA_TYPE.ociForeignLayerGzip,
  MEDIA_TYPE.ociForeignLayerZstd,
]);

export function isLayerMediaType(text: string): text is LayerMediaType {
  return LAYER_TYPES.has(text);
}

/** Docker's image manifest schema 1 of 2014: signed, without a config, and with layers that name no content of theirs. */
const SCHEMA_1_TYPES: readonly string[] = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
];

function documentOf(bytes: Uint8Array): JsonObject {
  const document = objectOf(readJson(bytes, DOCUMENT_LIMIT), '');
  const { mediaType, schemaVersion } = document.members;
  if (schemaVersion === 1 || (typeof mediaType === 'string' && SCHEMA_1_TYPES.includes(mediaType))) {
    throw new ShapeError('schemaVersion', 'is 1, a format that Docker gave up in 2017');
  }
  return document;
}

/** One document must not read as an image to one tool and as an index to another (CVE-2021-41190). */
function checkMediaType(document: JsonObject, wanted: ManifestMediaType | IndexMediaType): void {
  const own = optional(document, 'mediaType', string);
  if (own !== undefined && own !== wanted) {
    throw new ShapeError('mediaType', `is ${JSON.stringify(own)}, and it was given as ${wanted}`);
  }
  const foreign = isIndexMediaType(wanted) ? ['config', 'layers', 'fsLayers'] : ['manifests', 'fsLayers'];
  const found = foreign.find((name) => has(document, name));
  if (found === undefined) return;
  throw new ShapeError(
    found,
    `is there, in ${isIndexMediaType(wanted) ? 'an index' : 'a manifest'}: the document is ambiguous`,
  );
}

function guessMediaType(document: JsonObject): ManifestMediaType | IndexMediaType {
  if (has(document, 'manifests')) return MEDIA_TYPE.ociIndex;
  if (has(document, 'config')) return MEDIA_TYPE.ociManifest;
  throw new ShapeError('', 'is neither a manifest nor an index');
}

function isKnownManifest(text: string | undefined): text is ManifestMediaType | IndexMediaType {
  return text !== undefined && (isManifestMediaType(text) || isIndexMediaType(text));
}

function isManifestDescriptor(descriptor: Descriptor<string>): descriptor is ManifestDescriptor {
  return isKnownManifest(descriptor.mediaType);
}

function annotationsOf(document: JsonObject): { readonly annotations?: Readonly<Record<string, string>> } {
  return pick<{ annotations: Readonly<Record<string, string>> }>(document, { annotations: recordOf(string) });
}

function descriptorOf<M extends MediaType>(
  isMediaType: (text: string) => text is M,
  what: string,
): Decode<Descriptor<M>> {
  return (value, path) => {
    const { mediaType, ...rest } = decodeAnyDescriptor(value, path);
    if (isMediaType(mediaType)) return { mediaType, ...rest };
    throw new ShapeError(
      `${path}.mediaType`,
      `is ${JSON.stringify(mediaType)}, which is not ${what} that tsbuild reads`,
    );
  };
}

function decodeAnyDescriptor(value: unknown, path: string): Descriptor<string> {
  const object = objectOf(value, path);
  return {
    mediaType: required(object, 'mediaType', string),
    digest: required(object, 'digest', decodeDigest),
    size: required(object, 'size', count),
    ...pick<Required<Pick<Descriptor, 'urls' | 'artifactType' | 'annotations'>>>(object, {
      urls: arrayOf(string),
      artifactType: string,
      annotations: recordOf(string),
    }),
    ...optional(object, 'platform', entryPlatform),
  };
}

function decodeDigest(value: unknown, path: string): Digest {
  const digest = string(value, path);
  if (isDigest(digest)) return digest;
  throw new ShapeError(path, `is ${JSON.stringify(digest.slice(0, 200))}, wanted sha256: and 64 hexadecimal digits`);
}

/** A platform that does not say for what it is says nothing: such an entry counts as one without. */
function entryPlatform(value: unknown, path: string): { readonly platform?: Platform } {
  const { os, architecture, variant } = platformMembers(value, path);
  if (os === '' || architecture === '') return {};
  return { platform: { os, architecture, ...(variant === '' ? {} : { variant }) } };
}

function configPlatform(value: unknown, path: string): Platform {
  const { os, architecture, variant } = platformMembers(value, path);
  return {
    os: os === '' ? 'linux' : os,
    architecture: architecture === '' ? 'amd64' : architecture,
    ...(variant === '' ? {} : { variant }),
  };
}

function platformMembers(value: unknown, path: string): Required<Platform> {
  const object = objectOf(value, path);
  return {
    os: optional(object, 'os', string) ?? '',
    architecture: optional(object, 'architecture', string) ?? '',
    variant: optional(object, 'variant', string) ?? '',
  };
}

function decodeRootfs(value: unknown, path: string): ImageConfig['rootfs'] {
  const object = objectOf(value, path);
  const type = required(object, 'type', string);
  if (type !== 'layers') throw new ShapeError(`${path}.type`, `is ${JSON.stringify(type)}, wanted "layers"`);
  return { type, diff_ids: optional(object, 'diff_ids', arrayOf(decodeDigest)) ?? [] };
}

function reading<T>(what: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new TsbuildError('DOCUMENT_INVALID', `cannot read ${what} "${name}": ${error.message}`, {
      hint:
        error.path === 'schemaVersion'
          ? 'Pull it with an old Docker and push it again with a current one, or choose another tag.'
          : 'The image was published like this; ask for it where you have it from, or choose another tag.',
      details: { path: error.path },
    });
  }
}
