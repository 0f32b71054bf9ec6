import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { decodeDescriptor, decodeManifestOrIndex, DOCUMENT_LIMIT } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import { digestAlgorithm, digestHex } from '../oci/digest.js';
import type { ImageSource } from '../oci/image-transfer.js';
import type { ManifestDescriptor } from '../oci/image.js';
import { isIndexMediaType, isManifestMediaType } from '../oci/media-type.js';
import { verifyBytes } from '../oci/verify-stream.js';
import { collect } from '../support/byte-streams.js';
import { systemErrorCode, TsbuildError } from '../support/errors.js';
import type { RepositorySource } from './repository/repository-source.js';

const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * The images of a folder that is an OCI image layout (image-spec image-layout.md). A tag is what an entry of `index.json` has in
 * its annotation `org.opencontainers.image.ref.name`.
 * @param directory absolute
 */
export function createLayoutSource(directory: string): RepositorySource {
  const fetchDocument = async (descriptor: Descriptor<string>): Promise<Buffer> => {
    const tooLong = (): TsbuildError => layoutError(directory, `its document "${descriptor.digest}" is too long`);
    return await collect(verifyBytes(readBlob(directory, descriptor, 0), descriptor), DOCUMENT_LIMIT, tooLong);
  };
  return {
    resolve: async (name) => await resolveIn(directory, name),
    fetchManifest: async (descriptor) => decodeManifestOrIndex(await fetchDocument(descriptor), descriptor),
    openBlob: (descriptor) =>
      Promise.resolve(
        Readable.from(verifyBytes(readBlob(directory, descriptor, 0), descriptor), { objectMode: false }),
      ),
    fetchBlob: (descriptor, { offset = 0 } = {}) => readBlob(directory, descriptor, offset),
    fetchDocument,
  };
}

async function resolveIn(directory: string, name: Parameters<ImageSource['resolve']>[0]): Promise<ManifestDescriptor> {
  const entries = await entriesOf(directory);
  const found = entries.find(({ digest, annotations = {} }) =>
    'tag' in name ? annotations[REF_NAME] === name.tag : digest === name.digest,
  );
  if (found !== undefined) return found;
  const tags = entries.flatMap(({ annotations = {}, digest }) => annotations[REF_NAME] ?? `@${digest}`);
  const wanted = 'tag' in name ? name.tag : `@${name.digest}`;
  throw new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${wanted}" in layout "${directory}": there is none`, {
    hint: tags.length === 0 ? 'The layout lists no image at all.' : `It has ${tags.join(', ')}.`,
  });
}

/** Artifacts of other kinds are passed over. */
async function entriesOf(directory: string): Promise<readonly ManifestDescriptor[]> {
  const index = await readIndex(directory);
  const manifests = typeof index === 'object' && index !== null && 'manifests' in index ? index.manifests : undefined;
  if (!Array.isArray(manifests)) throw layoutError(directory, 'its "index.json" lists no manifests');
  return manifests
    .map((entry) => decodeDescriptor(entry, 'index.json'))
    .flatMap(({ mediaType, ...rest }) =>
      isManifestMediaType(mediaType) || isIndexMediaType(mediaType) ? [{ ...rest, mediaType }] : [],
    );
}

async function readIndex(directory: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw layoutError(directory, 'its "index.json" is no JSON');
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw layoutError(directory, code === 'ENOENT' ? 'it has no "index.json"' : `its "index.json" gives ${code}`);
  }
}

async function* readBlob(
  directory: string,
  { digest }: Descriptor<string>,
  offset: number,
): AsyncGenerator<Uint8Array, void> {
  const path = join(directory, 'blobs', digestAlgorithm(digest), digestHex(digest));
  try {
    yield* createReadStream(path, { start: offset, highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw layoutError(
      directory,
      code === 'ENOENT' ? `blob "${digest}" is not there` : `blob "${digest}" gives ${code}`,
    );
  }
}

function layoutError(directory: string, state: string): TsbuildError {
  return new TsbuildError('CONTEXT_INVALID', `cannot read image layout "${directory}": ${state}`, {
    hint: 'Give the folder of an OCI image layout, as skopeo copy oci:FOLDER or docker buildx -o type=oci makes it.',
  });
}
