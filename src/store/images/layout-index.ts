import { readFileSync } from 'node:fs';
import { canonicalJson } from '../../oci/canonical-json.js';
import { decodeDescriptor } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { isDigest, type Digest } from '../../oci/digest.js';
import {
  isIndexMediaType,
  isManifestMediaType,
  MEDIA_TYPE,
  type IndexMediaType,
  type ManifestMediaType,
} from '../../oci/media-type.js';
import { formatReference, parseReference, type Reference } from '../../oci/reference.js';
import { compareBytes } from '../../support/byte-string.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import type { StoredImage } from '../image-store.js';
import { layout } from '../layout.js';
import { parseJson } from '../../support/parse-json.js';

/** image-spec annotations.md, "Pre-Defined Annotation Keys": what `oci:<folder>:<name>` of other tools looks for. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** containerd's: always the full name, where the one above may be a tag alone. */
export const IMAGE_NAME = 'io.containerd.image.name';
/** Ours: the digest that a registry resolved the name to. */
const RESOLVED = 'dev.tsbuild.image.resolved';
/** Ours, of an index that is here as a whole: the descriptor of the image in it that stands for it, as JSON. */
const CHOSEN = 'dev.tsbuild.image.chosen';
const OWN_ANNOTATIONS: readonly string[] = [REF_NAME, IMAGE_NAME, RESOLVED, CHOSEN];

type JsonRecord = Readonly<Record<string, unknown>>;

/** An entry of `index.json`, which any tool may have written. */
export interface IndexEntry {
  /** As it is in the file: what is not understood is kept. */
  readonly json: unknown;
  /** `undefined` for what is no descriptor. */
  readonly descriptor: Descriptor<string> | undefined;
  /** `undefined` for what is no image of ours: an artifact, an index that another tool put here. */
  readonly image: StoredImage | undefined;
  /** What some tool calls it, in that tool's words; `undefined` when it has no name at all. */
  readonly label: string | undefined;
}

/** The document `index.json`: image-spec image-layout.md. */
export interface LayoutIndex {
  readonly members: JsonRecord;
  readonly entries: readonly IndexEntry[];
}

/**
 * Where there is no such file, as when somebody has moved a damaged one away, there are no names.
 * @throws `STORE_INVALID` when it cannot be understood; system errors
 */
export function readLayoutIndex(root: string): LayoutIndex {
  const path = layout.index(root);
  const text = readIfThere(path);
  if (text === undefined) return { members: {}, entries: [] };
  const members = parseJson(text);
  if (!isRecord(members) || !Array.isArray(members['manifests'])) throw unreadable(path);
  return { members, entries: members['manifests'].map(readEntry) };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The images that a store itself has a name or an entry for. @throws as `readLayoutIndex` */
export function imagesIn(root: string): readonly StoredImage[] {
  return readLayoutIndex(root).entries.flatMap(({ image }) => (image === undefined ? [] : [image]));
}

/** Equal content gives equal bytes. */
export function formatLayoutIndex({ members, entries }: LayoutIndex): string {
  const sorted = entries
    .map((entry) => [sortKey(entry), entry.json] as const)
    .toSorted(([a], [b]) => compareBytes(a, b));
  const manifests = sorted.map(([, json]) => json);
  return `${canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, ...members, manifests })}\n`;
}

export function entryOfImage(image: StoredImage): IndexEntry {
  const { name, resolved, index } = image;
  const descriptor = index ?? image.descriptor;
  const label = name === null ? undefined : formatReference(name);
  const annotations = {
    ...descriptor.annotations,
    ...(label === undefined ? {} : { [REF_NAME]: label, [IMAGE_NAME]: label }),
    ...(resolved === undefined ? {} : { [RESOLVED]: resolved }),
    ...(index === undefined ? {} : { [CHOSEN]: canonicalJson(image.descriptor) }),
  };
  const json = Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations };
  return { json, descriptor, image, label };
}

function readEntry(json: unknown): IndexEntry {
  const descriptor = readDescriptor(json);
  if (descriptor === undefined) return { json, descriptor, image: undefined, label: undefined };
  const annotations = descriptor.annotations ?? {};
  const label = annotations[IMAGE_NAME] ?? annotations[REF_NAME];
  return { json, descriptor, image: readImage(descriptor), label };
}

function readImage(entry: Descriptor<string>): StoredImage | undefined {
  const { annotations = {} } = entry;
  const own = ownDescriptor(entry);
  const index = isIndexDescriptor(own) ? own : undefined;
  const descriptor = index === undefined ? own : readChosen(annotations[CHOSEN]);
  if (descriptor === undefined || !isManifestDescriptor(descriptor)) return undefined;
  const resolved = readDigest(annotations[RESOLVED]);
  return {
    name: readName(annotations),
    descriptor,
    ...(resolved === undefined ? {} : { resolved }),
    ...(index === undefined ? {} : { index }),
  };
}

/** As it was before it became an entry here. */
function ownDescriptor({ annotations = {}, ...rest }: Descriptor<string>): Descriptor<string> {
  const others = Object.entries(annotations).filter(([key]) => !OWN_ANNOTATIONS.includes(key));
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}

function readChosen(text: string | undefined): Descriptor<string> | undefined {
  return text === undefined ? undefined : readDescriptor(parseJson(text));
}

function isIndexDescriptor(descriptor: Descriptor<string>): descriptor is Descriptor<IndexMediaType> {
  return isIndexMediaType(descriptor.mediaType);
}

function isManifestDescriptor(descriptor: Descriptor<string>): descriptor is Descriptor<ManifestMediaType> {
  return isManifestMediaType(descriptor.mediaType);
}

/** Only full names are names: a tool that writes `latest` alone does not say of what. */
function readName(annotations: Readonly<Record<string, string>>): (Reference & { readonly tag: string }) | null {
  for (const text of [annotations[IMAGE_NAME], annotations[REF_NAME]]) {
    const reference = text === undefined ? undefined : readReference(text);
    if (reference?.tag === undefined || reference.digest !== undefined || formatReference(reference) !== text) continue;
    return { ...reference, tag: reference.tag };
  }
  return null;
}

function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function readDescriptor(json: unknown): Descriptor<string> | undefined {
  try {
    return decodeDescriptor(json, 'index.json');
  } catch (error) {
    if (isTsbuildError(error)) return undefined;
    throw error;
  }
}

function readDigest(text: string | undefined): Digest | undefined {
  return text !== undefined && isDigest(text) ? text : undefined;
}

function sortKey({ label, descriptor, json }: IndexEntry): string {
  return `${label ?? ''}\0${descriptor?.digest ?? ''}\0${canonicalJson(json)}`;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(path: string): TsbuildError {
  return new TsbuildError('STORE_INVALID', `cannot read the names of images in "${path}": it is no OCI index`, {
    hint: 'Restore the file from a copy, or move it away: then the store has no names, and images can be pulled or built again.',
  });
}
