import { canonicalJson } from '../../oci/canonical-json.js';
import { isLayerMediaType } from '../../oci/decode.js';
import {
  arrayOf,
  count,
  digestText,
  objectOf,
  optional,
  readJson,
  required,
  ShapeError,
  string,
  type JsonObject,
} from '../../oci/decode-value.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import { isForeignLayerMediaType } from '../../oci/media-type.js';
import type { Layer } from '../../oci/layer.js';
import type { CacheMountName } from '../../store/cache-mounts.js';
import { TsbuildError } from '../../support/errors.js';
import type { CachedMount } from './cached-mount.js';
import type { CachedStep } from './cached-step.js';

/** The config of a cache: an OCI artifact whose layers are those of steps (docs/cache.md, "Format"). */
export const CACHE_CONFIG_TYPE = 'application/vnd.tsbuild.cache.config.v1+json';
/** The member of an image config that says which steps made the image's layers. */
export const INLINE_MEMBER = 'dev.tsbuild.cache.v1';
/** Bytes. */
export const CACHE_DOCUMENT_LIMIT: number = 16 << 20;

const VERSION = 1;
const MAX_STEPS = 20_000;
const MAX_KEYS = 16;
const MAX_LABEL = 500;
const MAX_MOUNTS = 1000;
const MAX_MOUNT_ID = 4096;
const MAX_VARIANT = 256;
/** RFC 3339, as it is written here. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

interface WireStep {
  readonly keys: readonly Digest[];
  /** Index into the layers of the manifest that the document belongs to. */
  readonly layer: number;
  readonly diffId: Digest;
  readonly created: string;
  readonly label: string;
}

export interface CacheContent {
  readonly steps: readonly CachedStep[];
  /** Directories of cache mounts. */
  readonly mounts: readonly CachedMount[];
}

type Cached = CachedStep | CachedMount;

/** The document, sorted: equal content gives equal bytes. @param indexOf where a layer is in the manifest */
export function encodeCache({ steps, mounts }: CacheContent, indexOf: (cached: Cached) => number): string {
  const wired = wireSteps(steps, indexOf);
  if (mounts.length === 0) return canonicalJson({ version: VERSION, steps: wired });
  const sorted = mounts
    .map((mount) => ({ id: mount.id, variant: mount.variant, layer: indexOf(mount), diffId: mount.layer.diffId }))
    .sort((left, right) => compareNames(left, right));
  return canonicalJson({ version: VERSION, steps: wired, mounts: sorted });
}

function compareNames(left: CacheMountName, right: CacheMountName): number {
  return JSON.stringify([left.id, left.variant]) < JSON.stringify([right.id, right.variant]) ? -1 : 1;
}

/** As the member `INLINE_MEMBER` of an image config. */
export function inlineSteps(steps: readonly CachedStep[], diffIds: readonly Digest[]): unknown {
  return { version: VERSION, steps: wireSteps(steps, ({ layer }) => diffIds.indexOf(layer.diffId)) };
}

function wireSteps(steps: readonly CachedStep[], indexOf: (step: CachedStep) => number): readonly WireStep[] {
  return steps
    .flatMap((step): readonly WireStep[] => {
      const layer = indexOf(step);
      const { keys, created, label } = step;
      if (layer < 0) return [];
      const sorted = [...keys].sort().slice(0, MAX_KEYS);
      return [{ keys: sorted, layer, diffId: step.layer.diffId, created, label: label.slice(0, MAX_LABEL) }];
    })
    .sort((left, right) => (left.keys.join() < right.keys.join() ? -1 : 1));
}

export interface CacheLayers {
  /** The layers of the manifest that the document belongs to. */
  readonly layers: readonly Descriptor<string>[];
  /** Of an image: what its config says that the layers hold. */
  readonly diffIds?: readonly Digest[] | undefined;
  /** For errors. */
  readonly name: string;
}

/** Anybody may have written it: nothing is believed. @throws `DOCUMENT_INVALID` */
export function decodeCache(bytes: Uint8Array, of: CacheLayers): CacheContent {
  return reading(of.name, () => {
    const value = readJson(bytes, CACHE_DOCUMENT_LIMIT);
    return { steps: stepsOf(value, '', of), mounts: mountsOf(value, of) };
  });
}

/** The steps that an image config tells of; `undefined` when it tells of none. @throws `DOCUMENT_INVALID` */
export function decodeInlineSteps(config: Uint8Array, of: CacheLayers): readonly CachedStep[] | undefined {
  return reading(of.name, () => {
    const { members } = objectOf(readJson(config, CACHE_DOCUMENT_LIMIT), '');
    return Object.hasOwn(members, INLINE_MEMBER) ? stepsOf(members[INLINE_MEMBER], INLINE_MEMBER, of) : undefined;
  });
}

function stepsOf(value: unknown, path: string, of: CacheLayers): readonly CachedStep[] {
  const document = objectOf(value, path);
  const version = required(document, 'version', count);
  if (version !== VERSION) throw new ShapeError('version', `is ${version}, and this program knows version ${VERSION}`);
  const steps = required(document, 'steps', (list, where) => {
    if (Array.isArray(list) && list.length > MAX_STEPS) throw new ShapeError(where, `has more than ${MAX_STEPS} steps`);
    return arrayOf((item, at) => stepOf(item, at, of))(list, where);
  });
  return steps;
}

function mountsOf(value: unknown, of: CacheLayers): readonly CachedMount[] {
  const mounts = optional(objectOf(value, ''), 'mounts', (list, where) => {
    if (Array.isArray(list) && list.length > MAX_MOUNTS) throw new ShapeError(where, `has more than ${MAX_MOUNTS}`);
    return arrayOf((item, at) => mountOf(item, at, of))(list, where);
  });
  return mounts ?? [];
}

function mountOf(value: unknown, path: string, of: CacheLayers): CachedMount {
  const mount = objectOf(value, path);
  const [id, variant] = [required(mount, 'id', string), required(mount, 'variant', string)];
  if (id === '' || id.length > MAX_MOUNT_ID || /\p{Cc}/u.test(id)) throw new ShapeError(`${path}.id`, 'is no id');
  if (variant.length > MAX_VARIANT) throw new ShapeError(`${path}.variant`, 'is too long');
  return { id, variant, layer: layerOf(mount, of) };
}

function stepOf(value: unknown, path: string, of: CacheLayers): CachedStep {
  const step = objectOf(value, path);
  const keys = required(step, 'keys', arrayOf(digestText));
  if (keys.length > MAX_KEYS) throw new ShapeError(`${path}.keys`, `has more than ${MAX_KEYS} keys`);
  return {
    keys,
    layer: layerOf(step, of),
    created: required(step, 'created', time),
    label: required(step, 'label', string).slice(0, MAX_LABEL),
  };
}

/** The layer that something in the document names. */
function layerOf(step: JsonObject, { layers, diffIds }: CacheLayers): Layer {
  const { path } = step;
  const index = required(step, 'layer', count);
  const diffId = required(step, 'diffId', digestText);
  const descriptor = layers[index];
  if (descriptor === undefined) throw new ShapeError(`${path}.layer`, `is ${index}, and there is no such layer`);
  if (diffIds !== undefined && diffIds[index] !== diffId) {
    throw new ShapeError(`${path}.diffId`, 'is not what the image config says of the layer');
  }
  const { mediaType, digest: blob, size } = descriptor;
  if (!isLayerMediaType(mediaType) || isForeignLayerMediaType(mediaType)) {
    throw new ShapeError(`${path}.layer`, `is of type ${JSON.stringify(mediaType.slice(0, 100))}, which is no layer`);
  }
  return { descriptor: { mediaType, digest: blob, size }, diffId };
}

function time(value: unknown, path: string): string {
  const text = string(value, path);
  if (!TIME.test(text) || Number.isNaN(Date.parse(text))) throw new ShapeError(path, 'is no time');
  return text;
}

function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new TsbuildError('DOCUMENT_INVALID', `cannot read cache "${name}": ${error.message}`, {
      hint: 'It is left out of the build; export it anew with --cache-to.',
      details: { path: error.path },
    });
  }
}
