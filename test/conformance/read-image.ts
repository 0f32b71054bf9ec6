import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { readTar } from '../../src/layers/tar/read-tar.js';
import type { TarEntry } from '../../src/layers/tar-entry.js';
import { gunzipSync } from 'node:zlib';
import { streamOf } from '../support/byte-source.js';

/** An image as it was written: the config and the plain tars of the layers, lowest first. */
export interface RawImage {
  readonly config: ImageDocument;
  readonly layers: readonly Uint8Array[];
}

export interface ImageDocument {
  readonly rootfs?: { readonly diff_ids?: readonly string[] };
  /** BuildKit writes `null` for none. */
  readonly history?: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[] | null;
  readonly [key: string]: unknown;
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
}

type IndexOrManifest =
  | { readonly manifests: readonly Descriptor[] }
  | { readonly config: Descriptor; readonly layers: readonly Descriptor[] | null };

/** Reads an OCI layout in a tar, as BuildKit's oci exporter, `docker save` and tsbuild write it. */
export async function readArchive(archive: Uint8Array): Promise<RawImage> {
  const members = new Map<string, Uint8Array>();
  for await (const { entry, body } of readTar(streamOf([archive]))) {
    if (entry.type === 'file') members.set(entry.path.replace(/^\.\//, ''), await buffer(body));
  }
  const blob = ({ digest }: Descriptor): Uint8Array => member(members, `blobs/${digest.replace(':', '/')}`);
  const index = document(member(members, 'index.json')) as { manifests: readonly Descriptor[] };
  let found = document(blob(first(index.manifests))) as IndexOrManifest;
  if ('manifests' in found) found = document(blob(first(found.manifests))) as IndexOrManifest;
  if ('manifests' in found) throw new Error('the archive has an index of indexes');
  const { config, layers } = found;
  return { config: document(blob(config)) as ImageDocument, layers: (layers ?? []).map((layer) => plain(blob(layer))) };
}

export const document = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'));

function member(members: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const found = members.get(name);
  if (found === undefined) throw new Error(`the archive has no "${name}"`);
  return found;
}

function first(descriptors: readonly Descriptor[]): Descriptor {
  const [descriptor] = descriptors;
  if (descriptor === undefined) throw new Error('the archive has no image');
  return descriptor;
}

const plain = (layer: Uint8Array): Uint8Array => (layer[0] === 0x1f && layer[1] === 0x8b ? gunzipSync(layer) : layer);

/** The entries of a layer by path, each as its fields. */
export async function listLayer(layer: Uint8Array): Promise<Record<string, string>> {
  const lines: Record<string, string> = {};
  for await (const { entry, body } of readTar(streamOf([layer]))) {
    const content = entry.type === 'file' ? await buffer(body) : undefined;
    lines[`/${Buffer.from(entry.path, 'latin1').toString('utf8')}`] = describe(entry, content);
  }
  return lines;
}

/** The fields of an entry, in the order of its line. */
export const FIELDS = ['type', 'mode', 'owner', 'mtime', 'size', 'content', 'xattrs'] as const;

/** After this time only a run can have made something: cases and base images have older ones. */
const FIRST_RUN = 1_600_000_000;

function describe(entry: TarEntry, content: Uint8Array | undefined): string {
  const { type, mode, uid, gid, mtime, size, linkTarget, device, xattrs } = entry;
  const time = mtime.nanoseconds === 0 ? '' : `.${String(mtime.nanoseconds).padStart(9, '0')}`;
  const attributes = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).sort();
  const target = linkTarget === undefined ? undefined : encodeURI(Buffer.from(linkTarget, 'latin1').toString('utf8'));
  const numbers = device === undefined ? undefined : `${device.major},${device.minor}`;
  return [
    type,
    // The mode of a link means nothing.
    type === 'symlink' ? '-' : mode.toString(8),
    `${uid}:${gid}`,
    mtime.seconds >= FIRST_RUN ? 'made' : `${mtime.seconds}${time}`,
    type === 'file' ? String(size) : '-',
    content === undefined ? (target ?? numbers ?? '-') : digest(content),
    ...(attributes.length === 0 ? [] : [attributes.join(',')]),
  ].join(' ');
}

function digest(content: Uint8Array): string {
  const text = Buffer.from(content).toString('latin1');
  // What a person can read says more than a digest.
  if (text.length <= 60 && /^[ -~\n\t]*$/.test(text)) return encodeURIComponent(text);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
