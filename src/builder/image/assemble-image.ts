import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf } from '../../oci/digest.js';
import type { HistoryEntry, ImageConfig, ImageManifest } from '../../oci/image.js';
import {
  MEDIA_TYPE,
  type ConfigMediaType,
  type IndexMediaType,
  type LayerMediaType,
  type ManifestMediaType,
} from '../../oci/media-type.js';
import { invariant } from '../../support/invariant.js';
import type { FileSystemResult } from '../operations/result.js';
import type { BuildPlan, PlannedHistory } from '../plan.js';

/** A document of our own: its bytes and the descriptor that names them. */
export interface Document<M extends string> {
  readonly descriptor: Descriptor<M>;
  readonly bytes: Buffer;
}

export interface AssembledImage {
  readonly config: Document<ConfigMediaType>;
  readonly manifest: Document<ManifestMediaType>;
}

export interface AssembleOptions {
  /** RFC 3339; absent: each layer has its own time. */
  readonly epoch?: string | undefined;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Further members of the config, which other tools pass over. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
}

/** Writes config and manifest of an image. The same plan and layers give the same bytes. */
export function assembleImage(
  image: BuildPlan['image'],
  root: FileSystemResult,
  { epoch, annotations, members }: AssembleOptions = {},
): AssembledImage {
  const history = fillHistory(image, root, epoch);
  const { os, architecture, variant } = image.platform;
  const created = epoch ?? history.at(-1)?.created;
  const value: ImageConfig = {
    ...(created === undefined ? {} : { created }),
    ...(image.author === undefined ? {} : { author: image.author }),
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    config: image.config,
    rootfs: { type: 'layers', diff_ids: root.layers.map(({ diffId }) => diffId) },
    history,
  };
  const config = documentOf(MEDIA_TYPE.ociConfig, asBuildKitWrites({ ...value, ...members }));
  return {
    config,
    manifest: imageManifest(
      config.descriptor,
      root.layers.map(({ descriptor }) => descriptor),
      annotations,
    ),
  };
}

/** An OCI manifest. Layers that came with Docker's media types get OCI's for the same bytes: a manifest mixes no families. */
export function imageManifest(
  config: Descriptor<ConfigMediaType>,
  layers: readonly Descriptor<LayerMediaType>[],
  annotations: Readonly<Record<string, string>> = {},
): Document<ManifestMediaType> {
  const value: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({
      mediaType: OCI_NAME[mediaType] ?? mediaType,
      digest,
      size,
    })),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: sorted(annotations) }),
  };
  return document(MEDIA_TYPE.ociManifest, value);
}

export function sorted<T>(values: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const OCI_NAME: Partial<Record<LayerMediaType, LayerMediaType>> = {
  [MEDIA_TYPE.dockerLayer]: MEDIA_TYPE.ociLayer,
  [MEDIA_TYPE.dockerLayerGzip]: MEDIA_TYPE.ociLayerGzip,
};

export function document<M extends ConfigMediaType | ManifestMediaType | IndexMediaType>(
  mediaType: M,
  value: unknown,
): Document<M> {
  return documentOf(mediaType, JSON.stringify(value));
}

function documentOf<M extends string>(mediaType: M, text: string): Document<M> {
  const bytes = Buffer.from(text);
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/**
 * A config byte for byte as BuildKit writes it, so that the same image has the same id, whichever of the two built it: members
 * in the order of their names, and escaped what Go's encoding/json escapes for the sake of HTML.
 */
function asBuildKitWrites(config: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(sorted(config)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The base's history as it is, then one entry an instruction: those with a layer have its time, the others the time of the
 * layer before them, or of the first new one, so that a build that is all cache gives the image it gave before (BuildKit's rule).
 */
function fillHistory(
  { baseHistory, history }: BuildPlan['image'],
  root: FileSystemResult,
  epoch: string | undefined,
): readonly HistoryEntry[] {
  const own = root.layers.filter(({ created }) => created !== null);
  const withLayer = history.filter(({ empty_layer: empty }) => empty !== true);
  invariant(own.length === withLayer.length, 'every new layer has its history entry');
  const times = own.map(({ created }) => epoch ?? created ?? undefined);
  let next = 0;
  let last = times[0] ?? epoch ?? baseHistory.at(-1)?.created;
  const filled = history.map((entry): HistoryEntry => {
    if (entry.empty_layer !== true) last = times[next++];
    return historyEntry(entry, last);
  });
  return [...baseHistory, ...filled];
}

function historyEntry(entry: PlannedHistory, created: string | undefined): HistoryEntry {
  return { ...(created === undefined ? {} : { created }), ...entry };
}
