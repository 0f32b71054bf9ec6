import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { digestOf, type Digest } from '../../src/oci/digest.js';
import { parseReference } from '../../src/oci/reference.js';
import type { BlobInfo, BlobStore } from '../../src/store/blob-store.js';
import type { StoredImage } from '../../src/store/image-store.js';
import type { Store } from '../../src/store/store.js';

/** Files of a layer: name to content. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export async function layerTar(files: Files): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name, mtime: new Date(0) }, Buffer.from(content));
  archive.finalize();
  return await buffer(Readable.from(archive));
}

export type Compression = 'none' | 'gzip' | 'zstd';

/** One raw block after another (RFC 8878): zstd without a compressor. */
export function zstdFrame(content: Uint8Array): Buffer {
  const blocks: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  const size = 1 << 16;
  for (let at = 0; at === 0 || at < content.byteLength; at += size) {
    const block = content.subarray(at, at + size);
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.byteLength << 3) | Number(at + size >= content.byteLength), 0, 3);
    blocks.push(header, Buffer.from(block));
  }
  return Buffer.concat(blocks);
}

const SUFFIX: Readonly<Record<Compression, string>> = { none: '', gzip: '+gzip', zstd: '+zstd' };

export interface SampleLayer {
  readonly tar: Uint8Array;
  readonly compression?: Compression;
  /** What the config says, when that is to be a lie. */
  readonly diffId?: Digest;
}

export interface SampleImage {
  readonly image: StoredImage;
  readonly imageId: Digest;
  readonly layers: readonly BlobInfo[];
}

export async function ingestBytes(blobs: BlobStore, bytes: Uint8Array): Promise<BlobInfo> {
  return await blobs.ingest(Readable.from([bytes]));
}

/** Puts an image into a store, as a build or a pull does. */
export async function putSampleImage(
  store: Pick<Store, 'blobs' | 'images'>,
  layers: readonly SampleLayer[],
  name?: string,
): Promise<SampleImage> {
  const stored: BlobInfo[] = [];
  for (const { tar, compression = 'none' } of layers)
    stored.push(await ingestBytes(store.blobs, compress(tar, compression)));
  const config = await ingestBytes(store.blobs, Buffer.from(JSON.stringify(configOf(layers))));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: stored.map((blob, index) => ({
        mediaType: `application/vnd.oci.image.layer.v1.tar${SUFFIX[layers[index]?.compression ?? 'none']}`,
        ...blob,
      })),
    }),
  );
  const image: StoredImage = {
    name: name === undefined ? null : tagged(name),
    descriptor: {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...(await ingestBytes(store.blobs, manifest)),
    },
  };
  await store.images.put(image);
  return { image, imageId: config.digest, layers: stored };
}

/** Puts an image into a store whose manifest has no layers, and whose config has. */
export async function putUnpairedImage(store: Pick<Store, 'blobs' | 'images'>, name: string): Promise<void> {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = await ingestBytes(store.blobs, Buffer.from(JSON.stringify(configOf([{ tar: Buffer.alloc(1024) }]))));
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [],
  };
  const stored = await ingestBytes(store.blobs, Buffer.from(JSON.stringify(manifest)));
  await store.images.put({ name: tagged(name), descriptor: { mediaType, ...stored } });
}

export function compress(tar: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'gzip') return gzipSync(tar);
  return compression === 'zstd' ? zstdFrame(tar) : tar;
}

export function configOf(layers: readonly SampleLayer[]): unknown {
  return {
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/hello'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar, diffId }) => diffId ?? digestOf(tar)) },
    history: layers.map((_, index) => ({ created_by: `layer ${index}` })),
  };
}

export function tagged(text: string): NonNullable<StoredImage['name']> {
  const { registry, repository, tag = 'latest' } = parseReference(text);
  return { registry, repository, tag };
}
