import { decodeManifest } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { EncodedManifest, RawManifest } from '../../oci/image.js';
import { isManifestMediaType, MEDIA_TYPE, type LayerMediaType } from '../../oci/media-type.js';
import { TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';

/** Whose media types a manifest, and what it names, have. */
export type ManifestFormat = 'docker' | 'oci';

/** Pairs of the same thing: Docker's type, and OCI's. */
const PAIRS: readonly (readonly [docker: string, oci: string])[] = [
  [MEDIA_TYPE.dockerManifest, MEDIA_TYPE.ociManifest],
  [MEDIA_TYPE.dockerManifestList, MEDIA_TYPE.ociIndex],
  [MEDIA_TYPE.dockerConfig, MEDIA_TYPE.ociConfig],
  [MEDIA_TYPE.dockerLayer, MEDIA_TYPE.ociLayer],
  [MEDIA_TYPE.dockerLayerGzip, MEDIA_TYPE.ociLayerGzip],
  [MEDIA_TYPE.dockerForeignLayerGzip, MEDIA_TYPE.ociForeignLayerGzip],
];

/** The media type of the same thing in a format. @throws `USAGE` for what Docker's format has no word for */
export function inFormat(mediaType: string, format: ManifestFormat): string {
  const pair = PAIRS.find((each) => each.includes(mediaType));
  if (pair !== undefined) return pair[format === 'docker' ? 0 : 1];
  if (format === 'oci' || !mediaType.startsWith('application/vnd.oci.image.layer')) return mediaType;
  throw new TsbuildError('USAGE', `cannot push in Docker's format: it has no layers of type "${mediaType}"`, {
    hint: 'Push with --format oci, or with --compression gzip.',
  });
}

/** What is to stand in an image manifest in place of what does. */
export interface ManifestChanges {
  /** As many as the manifest has. */
  readonly layers: readonly Descriptor<LayerMediaType>[];
  /** Absent: media types stay as they are. */
  readonly format: ManifestFormat | undefined;
}

/** What was pushed in place of the manifests that the store has, by their digests there. */
export type PushedManifests = ReadonlyMap<Digest, Descriptor<string>>;

type JsonObject = Readonly<Record<string, unknown>>;

/** The manifest itself when nothing in it changes, else one like it, with every member that this program does not know. */
export function rewriteManifest(manifest: RawManifest, { layers, format }: ManifestChanges): RawManifest {
  const document = jsonOf(manifest);
  const given = Array.isArray(document['layers']) ? document['layers'] : [];
  const changed = {
    ...document,
    mediaType: asIn(manifest.descriptor.mediaType, format),
    config: withType(document['config'], format),
    ...('layers' in document ? { layers: layers.map((layer, at) => replaced(given[at], layer, format)) } : {}),
  };
  const same = manifest.value.layers.every(({ digest }, at) => digest === layers[at]?.digest);
  const { mediaType } = changed;
  invariant(isManifestMediaType(mediaType), 'each format has a type for manifests');
  if (same && mediaType === manifest.descriptor.mediaType) return manifest;
  const bytes = Buffer.from(JSON.stringify(changed));
  return decodeManifest(bytes, { ...manifest.descriptor, mediaType, digest: digestOf(bytes), size: bytes.byteLength });
}

/** An index whose entries have become other manifests than it lists, by the digests that it lists. */
export function rewriteIndex(
  index: EncodedManifest,
  { pushed, format }: { readonly pushed: PushedManifests; readonly format: ManifestFormat | undefined },
): EncodedManifest {
  const document = jsonOf(index);
  const mediaType = asIn(index.descriptor.mediaType, format);
  const entries = entriesOf(document);
  const changes = entries.some((entry) => isChanged(membersOf(entry)['digest'], pushed));
  if (!changes && mediaType === index.descriptor.mediaType) return index;
  const manifests = entries.map((entry) => withReference(entry, pushed));
  const bytes = Buffer.from(JSON.stringify({ ...document, mediaType, manifests }));
  return { descriptor: { ...index.descriptor, mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}

/** A manifest about one that was pushed as another (image-spec manifest.md, "subject"). */
export function rewriteSubject(
  manifest: EncodedManifest,
  subject: Descriptor<string> | undefined,
  pushed: PushedManifests,
): EncodedManifest {
  const about = subject === undefined ? undefined : pushed.get(subject.digest);
  if (about === undefined || about.digest === subject?.digest) return manifest;
  const document = jsonOf(manifest);
  const bytes = Buffer.from(JSON.stringify({ ...document, subject: pointTo(document['subject'], about) }));
  return { descriptor: { ...manifest.descriptor, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}

/** An index of some of the entries of another, which says all else that the other does. */
export function narrowIndex(index: EncodedManifest, isKept: (digest: unknown) => boolean): EncodedManifest {
  const document = jsonOf(index);
  const manifests = entriesOf(document).filter((entry) => isKept(membersOf(entry)['digest']));
  const bytes = Buffer.from(JSON.stringify({ ...document, manifests }));
  return { descriptor: { ...index.descriptor, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}

/** BuildKit's attestations name, in this annotation, the image in the index that they are about. */
export const ABOUT = 'vnd.docker.reference.digest';

function withReference(entry: unknown, pushed: PushedManifests): unknown {
  const members = membersOf(entry);
  const annotations = membersOf(members['annotations']);
  const about = find(pushed, annotations[ABOUT]);
  const descriptor = find(pushed, members['digest']);
  return {
    ...(descriptor === undefined ? members : pointTo(entry, descriptor)),
    ...(about === undefined ? {} : { annotations: { ...annotations, [ABOUT]: about.digest } }),
  };
}

function isChanged(digest: unknown, pushed: PushedManifests): boolean {
  const made = find(pushed, digest);
  return made !== undefined && made.digest !== digest;
}

function find(pushed: ReadonlyMap<string, Descriptor<string>>, digest: unknown): Descriptor<string> | undefined {
  return typeof digest === 'string' ? pushed.get(digest) : undefined;
}

function replaced(given: unknown, layer: Descriptor<string>, format: ManifestFormat | undefined): unknown {
  return pointTo(given, { ...layer, mediaType: asIn(layer.mediaType, format) });
}

function withType(given: unknown, format: ManifestFormat | undefined): unknown {
  const members = membersOf(given);
  const mediaType = members['mediaType'];
  return typeof mediaType === 'string' ? { ...members, mediaType: asIn(mediaType, format) } : given;
}

function asIn(mediaType: string, format: ManifestFormat | undefined): string {
  return format === undefined ? mediaType : inFormat(mediaType, format);
}

function entriesOf(index: JsonObject): readonly unknown[] {
  const entries = index['manifests'];
  return Array.isArray(entries) ? entries : [];
}

function pointTo(given: unknown, { mediaType, digest, size }: Descriptor<string>): JsonObject {
  return { ...membersOf(given), mediaType, digest, size };
}

function jsonOf({ bytes }: EncodedManifest): JsonObject {
  return membersOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

function membersOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
