import { canonicalJson } from '../../oci/canonical-json.js';
import { isLayerMediaType } from '../../oci/decode.js';
import { arrayOf, count, objectOf, readJson, required, ShapeError, string } from '../../oci/decode-value.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { isDigest, type Digest } from '../../oci/digest.js';
import { isForeignLayerMediaType } from '../../oci/media-type.js';
import { TsbuildError } from '../../support/errors.js';
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

/** The document, sorted: equal steps give equal bytes. @param indexOf where a layer is in the manifest */
export function encodeSteps(steps: readonly CachedStep[], indexOf: (step: CachedStep) => number): string {
  return canonicalJson({ version: VERSION, steps: wireSteps(steps, indexOf) });
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
export function decodeSteps(bytes: Uint8Array, of: CacheLayers): readonly CachedStep[] {
  return reading(of.name, () => stepsOf(readJson(bytes, CACHE_DOCUMENT_LIMIT), '', of));
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

function stepOf(value: unknown, path: string, { layers, diffIds }: CacheLayers): CachedStep {
  const step = objectOf(value, path);
  const index = required(step, 'layer', count);
  const diffId = required(step, 'diffId', digest);
  const descriptor = layers[index];
  if (descriptor === undefined) throw new ShapeError(`${path}.layer`, `is ${index}, and there is no such layer`);
  if (diffIds !== undefined && diffIds[index] !== diffId) {
    throw new ShapeError(`${path}.diffId`, 'is not what the image config says of the layer');
  }
  const { mediaType, digest: blob, size } = descriptor;
  if (!isLayerMediaType(mediaType) || isForeignLayerMediaType(mediaType)) {
    throw new ShapeError(`${path}.layer`, `is of type ${JSON.stringify(mediaType.slice(0, 100))}, which is no layer`);
  }
  const keys = required(step, 'keys', arrayOf(digest));
  if (keys.length > MAX_KEYS) throw new ShapeError(`${path}.keys`, `has more than ${MAX_KEYS} keys`);
  return {
    keys,
    layer: { descriptor: { mediaType, digest: blob, size }, diffId },
    created: required(step, 'created', time),
    label: required(step, 'label', string).slice(0, MAX_LABEL),
  };
}

function digest(value: unknown, path: string): Digest {
  const text = string(value, path);
  if (!isDigest(text)) throw new ShapeError(path, 'is no digest');
  return text;
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
