import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Descriptor } from '../../../../src/oci/descriptor.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import type { EncodedManifest, ManifestDescriptor } from '../../../../src/oci/image.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { parsePlatform } from '../../../../src/oci/platform.js';
import { convertImage, type ConvertOptions } from '../../../../src/registry/copy/convert-image.js';
import { readContent, type ContentSource, type ImageContent } from '../../../../src/registry/copy/image-content.js';

type Entry = Omit<Descriptor<string>, 'platform'> & { readonly platform: object };

const WINDOWS = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.17763.1', 'os.features': ['win32k'] };
const LINUX = { os: 'linux', architecture: 'arm64' };

/** Two images of Docker's types, something attested of each in the old way and in the new, and the index of it all. */
class Attested {
  readonly documents = new Map<Digest, EncodedManifest>();
  readonly images: readonly Entry[] = [this.#image('a', WINDOWS), this.#image('b', LINUX)];
  readonly attestations: readonly Entry[] = this.images.map((image) => this.#attestation(image));
  readonly root: ManifestDescriptor = {
    ...this.#document(MEDIA_TYPE.ociIndex, {
      // BuildKit lists attestations last; nothing says that everybody does.
      manifests: [this.attestations[1], ...this.images, this.attestations[0]],
      annotations: { note: 'kept' },
    }),
    mediaType: MEDIA_TYPE.ociIndex,
  };

  /** All but what is named. */
  source(lacking?: Digest): ContentSource {
    return {
      document: ({ digest }) => {
        const document = this.documents.get(digest);
        return document === undefined ? Promise.reject(new Error(`no ${digest}`)) : Promise.resolve(document);
      },
      open: () => Promise.resolve(Readable.from([])),
      has: ({ digest }) => Promise.resolve(digest !== lacking),
    };
  }

  async content(platforms: readonly string[] | 'all', lacking?: Digest): Promise<ImageContent> {
    return await readContent(this.root, {
      name: 'x',
      source: this.source(lacking),
      platforms: platforms === 'all' ? 'all' : platforms.map(parsePlatform),
    });
  }

  #document(mediaType: string, members: object): Descriptor<string> {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...members }));
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    this.documents.set(descriptor.digest, { descriptor, bytes });
    return descriptor;
  }

  #image(name: string, platform: object): Entry {
    const config = { mediaType: MEDIA_TYPE.dockerConfig, digest: digestOf(`${name} config`), size: 1 };
    const layers = [{ mediaType: MEDIA_TYPE.dockerLayerGzip, digest: digestOf(name), size: 1 }];
    return { ...this.#document(MEDIA_TYPE.dockerManifest, { config, layers }), platform };
  }

  #attestation(image: Entry): Entry {
    const { mediaType, digest, size } = image;
    const layers = [{ mediaType: 'application/vnd.in-toto+json', digest: digestOf('statement'), size: 1 }];
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 };
    const annotations = {
      'vnd.docker.reference.digest': digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    };
    const members = { config, layers, subject: { mediaType, digest, size } };
    return {
      ...this.#document(MEDIA_TYPE.ociManifest, members),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations,
    };
  }
}

interface Json {
  readonly manifests: readonly { digest: Digest; platform: object; annotations?: Record<string, string> }[];
  readonly annotations: object;
  readonly subject?: { digest: Digest };
}

function read(content: ImageContent, digest: Digest): Json {
  const document = content.documents.find(({ descriptor }) => descriptor.digest === digest);
  return JSON.parse(Buffer.from(document?.bytes ?? '{}').toString()) as Json;
}

describe('convertImage()', () => {
  const nothing: Pick<ConvertOptions, 'blobs' | 'added' | 'compress'> = {
    blobs: {} as ConvertOptions['blobs'],
    added: new Set(),
    compress: () => Promise.reject(new Error('no layer is to be compressed')),
  };

  test('names anew what has changed: in the index, in what is attested of it, in the subject', async () => {
    const attested = new Attested();
    const before = await attested.content('all');
    const after = await convertImage(before, { ...nothing, ociTypes: true });
    const { manifests, annotations } = read(after, after.root.digest);
    expect(annotations).toEqual({ note: 'kept' });
    const [second, windows, linux, first] = manifests;
    expect([windows?.platform, linux?.platform]).toEqual([WINDOWS, LINUX]);
    expect(attested.images.map(({ digest }) => digest)).not.toContain(windows?.digest);
    for (const [attestation, image] of [
      [first, windows],
      [second, linux],
    ]) {
      expect(attestation?.annotations?.['vnd.docker.reference.digest']).toBe(image?.digest);
      expect(read(after, attestation?.digest ?? after.root.digest).subject?.digest).toBe(image?.digest);
    }
    expect(after.documents).toHaveLength(before.documents.length);
  });

  test('gives back what needs no change', async () => {
    const content = await new Attested().content('all');
    expect(await convertImage(content, nothing)).toBe(content);
  });
});

describe('readContent() for some of the platforms', () => {
  const both = ['windows/amd64', 'linux/arm64'];

  test('is the index itself when nothing is left out', async () => {
    const attested = new Attested();
    expect((await attested.content(both)).root).toEqual(attested.root);
  });

  test('goes without what is attested where that is not here, and else says what the index says', async () => {
    const attested = new Attested();
    const lacking = attested.attestations[0]?.digest;
    const content = await attested.content(both, lacking);
    const { manifests, annotations } = read(content, content.root.digest);
    expect(annotations).toEqual({ note: 'kept' });
    expect(manifests).toEqual([attested.attestations[1], ...attested.images]);
  });

  test('of one alone is its manifest', async () => {
    const attested = new Attested();
    expect((await attested.content(['linux/arm64'])).root.digest).toBe(attested.images[1]?.digest);
  });
});
