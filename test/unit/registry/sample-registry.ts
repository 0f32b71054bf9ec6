import { gzipSync } from 'node:zlib';
import { digestOf, type Digest } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import type { MemoryRegistry } from '../../../src/testing/memory-registry.js';

/** What a test says of a descriptor; the members are those of the wire. */
export interface Sent {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export const ATTESTATION = 'application/vnd.in-toto+json';

/** Fills a repository of a registry in memory. */
export class SampleRepository {
  readonly #content: MemoryRegistry;
  readonly #name: string;

  constructor(content: MemoryRegistry, name = 'app') {
    this.#content = content;
    this.#name = name;
  }

  blob(bytes: Buffer, mediaType: string): Sent {
    this.#content.putBlob(this.#name, bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  }

  document(document: object, mediaType: string, tag?: string): Sent {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    this.#content.putManifest(this.#name, tag ?? digest, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  image(
    architecture: string,
    options: { readonly tag?: string; readonly layers?: readonly Sent[]; readonly content?: string } = {},
  ): Sent {
    const { tag, content = `for ${architecture}` } = options;
    const layers = options.layers ?? [this.blob(gzipSync(content), MEDIA_TYPE.ociLayerGzip)];
    const rootfs = { type: 'layers', diff_ids: layers.map(() => digestOf(content)) };
    const config = this.blob(
      Buffer.from(JSON.stringify({ os: 'linux', architecture, config: {}, rootfs })),
      MEDIA_TYPE.ociConfig,
    );
    const document = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers };
    return this.document(document, MEDIA_TYPE.ociManifest, tag);
  }

  index(manifests: readonly object[], tag?: string): Sent {
    return this.document({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }, MEDIA_TYPE.ociIndex, tag);
  }

  /** As BuildKit lists what it attests: a manifest of no platform, with layers that are no file systems. */
  attestation(about: Sent): object {
    const config = this.blob(Buffer.from('{"architecture":"unknown","os":"unknown"}'), MEDIA_TYPE.ociConfig);
    const layers = [this.blob(Buffer.from(`{"about":"${about.digest}"}`), ATTESTATION)];
    const document = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers };
    return {
      ...this.document(document, MEDIA_TYPE.ociManifest),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.digest': about.digest,
        'vnd.docker.reference.type': 'attestation-manifest',
      },
    };
  }
}

export const forPlatform = (image: Sent, architecture: string, variant?: string): object => ({
  ...image,
  platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
});
