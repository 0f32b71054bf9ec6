import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { canonicalJson } from '../../oci/canonical-json.js';
import { DOCUMENT_LIMIT } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import { verifyBytes } from '../../oci/verify-stream.js';
import {
  isUnfinishedName,
  removeUnfinished,
  syncDirectory,
  writeFileAtomic,
  writeFully,
} from '../../support/atomic-file.js';
import { abortable, collect, throwIfAborted } from '../../support/byte-streams.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { underFileLock } from '../../support/file-lock.js';
import { outputError } from '../../support/output-error.js';
import { parseJson } from '../../support/parse-json.js';
import type { ContentSource, ImageContent } from './image-content.js';

/** Bytes. */
const INDEX_LIMIT = 20 << 20;
const READ_SIZE = 1 << 20;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const VERSION = { imageLayoutVersion: '1.0.0' };

/** A folder that is an OCI image layout (image-spec image-layout.md), of whatever tool. */
export interface OciLayout extends ContentSource {
  /** The entries of its `index.json`, as they are there. */
  readonly entries: readonly unknown[];
}

/** @throws `ARCHIVE_INVALID` when the folder is no layout */
export async function openLayout(folder: string): Promise<OciLayout> {
  const [version, index] = [await readDocument(folder, 'oci-layout'), await readDocument(folder, 'index.json')];
  if (memberOf(version, 'imageLayoutVersion') !== VERSION.imageLayoutVersion) {
    throw notLayout(folder, 'it is no OCI image layout of version 1.0.0');
  }
  const entries: unknown = memberOf(index, 'manifests');
  if (!Array.isArray(entries)) throw notLayout(folder, 'its "index.json" lists no manifests');
  return {
    entries,
    document: async (descriptor) => {
      const bytes = await collect(await openBlob(folder, descriptor), DOCUMENT_LIMIT, () =>
        notLayout(folder, `its document "${descriptor.digest}" is too large`),
      );
      return { descriptor, bytes };
    },
    open: async (descriptor) => await openBlob(folder, descriptor),
  };
}

export interface LayoutWrite {
  /** The images' configs and layers that are to be there, each once. */
  readonly blobs: readonly Descriptor<string>[];
  readonly contents: readonly ImageContent[];
  /** For `index.json`, in place of those that have the same annotations. */
  readonly entries: readonly object[];
  /** Annotations of the whole, in `index.json`. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Adds images to a folder that is an OCI layout, empty or not there. What it has of them is not written again; the entry comes last.
 * @throws `OUTPUT_FAILED` when there is something else in the folder, `DISK_FULL`, `ABORTED`, and what the images' sources throw
 */
export async function writeLayout(folder: string, write: LayoutWrite): Promise<void> {
  try {
    await prepareLayout(folder);
    const openers = new Map<Digest, ImageContent['open']>();
    for (const { blobs, open: opener } of write.contents) for (const { digest } of blobs) openers.set(digest, opener);
    for (const blob of write.blobs) await writeBlob(folder, blob, { ...write, open: openers.get(blob.digest) });
    for (const { descriptor, bytes } of write.contents.flatMap(({ documents }) => documents)) {
      const one = (): Promise<Readable> => Promise.resolve(Readable.from([bytes]));
      await writeBlob(folder, descriptor, { ...write, onBytes: undefined, open: one });
    }
    await syncDirectory(join(folder, 'blobs', 'sha256'));
    await underFileLock(join(folder, 'oci-layout'), async () => {
      await writeFileAtomic(join(folder, 'index.json'), await changedIndex(folder, write), { mode: 0o644 });
    });
  } catch (error) {
    throw outputError(`layout "${folder}"`, error);
  }
}

/** What names a layout comes first, and the index last: what a crash leaves between them can be gone on with. */
async function prepareLayout(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const blobs = join(folder, 'blobs', 'sha256');
  for (const directory of [folder, blobs]) await removeUnfinished(directory);
  const names = (await readdir(folder)).filter((name) => !isUnfinishedName(name));
  const begun = names.includes('oci-layout');
  if (begun && names.some((name) => name !== 'oci-layout' && name !== 'blobs')) {
    await openLayout(folder);
  } else if (!begun && names.length > 0) {
    throw new TsbuildError('OUTPUT_FAILED', `cannot write layout "${folder}": there are other files in it`, {
      hint: 'Give a folder that is empty, does not exist, or is an OCI layout: then the image is added to it.',
    });
  }
  if (!begun) await writeFileAtomic(join(folder, 'oci-layout'), canonicalJson(VERSION), { mode: 0o644 });
  await mkdir(blobs, { recursive: true });
}

async function writeBlob(
  folder: string,
  blob: Descriptor<string>,
  options: Pick<LayoutWrite, 'signal' | 'onBytes'> & { readonly open: ImageContent['open'] | undefined },
): Promise<void> {
  const { signal, onBytes, open: opener } = options;
  throwIfAborted('write a layout', signal);
  const target = blobPath(folder, blob.digest);
  if (opener === undefined || (await sizeAt(target)) === blob.size) {
    onBytes?.(blob.size);
    return;
  }
  // A name that nobody can have put a link at, in a folder that may be everybody's.
  const unfinished = `${target}.${randomBytes(6).toString('hex')}.unfinished`;
  await mkdir(dirname(target), { recursive: true });
  const file = await open(unfinished, 'wx', 0o644);
  try {
    const source = verifyBytes(await opener(blob, { signal }), blob);
    for await (const chunk of abortable(source, 'write a layout', signal)) {
      await writeFully(file, chunk);
      onBytes?.(chunk.byteLength);
    }
    await file.datasync();
    await file.close();
    await rename(unfinished, target);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function changedIndex(folder: string, { entries, annotations }: LayoutWrite): Promise<string> {
  const index = await readDocument(folder, 'index.json');
  const manifests: unknown = memberOf(index, 'manifests');
  const added = new Set(entries.map(labelOf));
  const present: readonly unknown[] = Array.isArray(manifests) ? manifests : [];
  const kept = present.filter((entry) => !added.has(labelOf(entry)));
  const members = typeof index === 'object' && index !== null ? index : {};
  return indexText({ ...members, ...(annotations === undefined ? {} : { annotations }) }, [...kept, ...entries]);
}

/** What makes an entry another one of the same: its name, or, when it has none, its digest. */
function labelOf(entry: unknown): string {
  const annotations = memberOf(entry, 'annotations');
  const name = memberOf(annotations, 'io.containerd.image.name');
  const ref = memberOf(annotations, 'org.opencontainers.image.ref.name');
  return canonicalJson(
    name === undefined && ref === undefined ? [memberOf(entry, 'digest')] : [name ?? null, ref ?? null],
  );
}

function indexText(members: object, manifests: readonly unknown[]): string {
  return canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, ...members, manifests });
}

async function openBlob(folder: string, descriptor: Descriptor<string>): Promise<Readable> {
  const file = await open(blobPath(folder, descriptor.digest), READ_FLAGS).catch((error: unknown) => {
    throw missing(folder, descriptor.digest, error);
  });
  const bytes = verifyBytes(file.createReadStream({ highWaterMark: READ_SIZE }), descriptor);
  return Readable.from(bytes, { objectMode: false });
}

async function readDocument(folder: string, name: string): Promise<unknown> {
  try {
    const file = await open(join(folder, name), READ_FLAGS);
    const bytes = await collect(file.createReadStream(), INDEX_LIMIT, () =>
      notLayout(folder, `its "${name}" is too large`),
    );
    return parseJson(bytes.toString('utf8'));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

async function sizeAt(path: string): Promise<number | undefined> {
  try {
    const status = await lstat(path);
    return status.isFile() ? status.size : undefined;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function blobPath(folder: string, digest: Digest): string {
  return join(folder, 'blobs', digestAlgorithm(digest), digestHex(digest));
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function notLayout(folder: string, state: string): TsbuildError {
  return new TsbuildError('ARCHIVE_INVALID', `cannot read layout "${folder}": ${state}`, {
    hint: 'Give a folder that skopeo, umoci, docker buildx or tsbuild has made.',
  });
}

function missing(folder: string, digest: Digest, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  return notLayout(
    folder,
    code === 'ENOENT' ? `its blob "${digest}" is missing` : `its blob "${digest}" cannot be read (${code})`,
  );
}
