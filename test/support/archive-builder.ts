import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pack, type Header } from 'tar-stream';
import { digestOf } from '../../src/oci/digest.js';
import { compress, configOf, type SampleLayer } from './sample-images.js';

/** A member of an archive: content, a link, or whatever a test wants to try. */
export type Member = string | Uint8Array | { readonly symlink: string } | { readonly hardlink: string };

/** As in the archive, in this order. */
export type Members = readonly (readonly [name: string, member: Member])[];

export async function tarOf(members: Members): Promise<Buffer> {
  const archive = pack();
  for (const [name, member] of members) {
    const header: Pick<Header, 'name' | 'mtime'> = { name, mtime: new Date(0) };
    if (typeof member === 'string' || member instanceof Uint8Array) archive.entry(header, Buffer.from(member));
    else if ('symlink' in member) archive.entry({ ...header, type: 'symlink', linkname: member.symlink });
    else archive.entry({ ...header, type: 'link', linkname: member.hardlink });
  }
  archive.finalize();
  return await buffer(Readable.from(archive));
}

export const json = (value: unknown): string => JSON.stringify(value);
const hex = (content: string | Uint8Array): string => digestOf(content).slice('sha256:'.length);
export const blobName = (content: string | Uint8Array): string => `blobs/sha256/${hex(content)}`;

/** As `docker save` wrote it until version 24. */
export function classicMembers(layers: readonly SampleLayer[], tags: readonly string[] | null): Members {
  const config = json(configOf(layers));
  const names = layers.map((_, index) => `${String(index).repeat(64)}/layer.tar`);
  return [
    ...layers.map(({ tar, compression = 'none' }, index) => [names[index] ?? '', compress(tar, compression)] as const),
    [`${hex(config)}.json`, config],
    ['manifest.json', json([{ Config: `${hex(config)}.json`, RepoTags: tags, Layers: names }])],
  ];
}

export interface OciMembers {
  readonly config: string;
  readonly manifest: string;
  readonly members: Members;
}

/** As BuildKit and skopeo write it: an OCI layout. */
export function ociMembers(
  layers: readonly SampleLayer[],
  annotations: Readonly<Record<string, string>> = {},
): OciMembers {
  const config = json(configOf(layers));
  const blobs = layers.map(({ tar, compression = 'none' }) => compress(tar, compression));
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptorOf('application/vnd.oci.image.config.v1+json', config),
    layers: blobs.map((blob, index) => {
      const { compression = 'none' } = layers[index] ?? {};
      return descriptorOf(
        `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`,
        blob,
      );
    }),
  });
  const entry = { ...descriptorOf('application/vnd.oci.image.manifest.v1+json', manifest), annotations };
  const members: Members = [
    ...[...blobs, config, manifest].map((content) => [blobName(content), content] as const),
    ['index.json', json({ schemaVersion: 2, manifests: [entry] })],
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
  ];
  return { config, manifest, members };
}

export function descriptorOf(mediaType: string, content: string | Uint8Array): object {
  return { mediaType, digest: digestOf(content), size: Buffer.byteLength(content) };
}
