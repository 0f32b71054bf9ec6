import { Readable } from 'node:stream';
import { decodeManifestOrIndex, DOCUMENT_LIMIT, manifestMediaType } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestOf, isDigest } from '../../oci/digest.js';
import type { ImageSource, TransferOptions } from '../../oci/image-transfer.js';
import type { ManifestDescriptor } from '../../oci/image.js';
import { isIndexMediaType, isManifestMediaType, MEDIA_TYPE } from '../../oci/media-type.js';
import { repositoryName, type Repository } from '../../oci/reference.js';
import { verifyBytes } from '../../oci/verify-stream.js';
import { collect } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import { retry } from '../../support/retry.js';
import { readBlob } from '../blobs/blob-read.js';
import { readEndpoints, type Endpoint } from '../endpoint.js';
import { ConnectionError, drain, header } from '../http/http-message.js';
import type { RegistryContext } from '../registry-context.js';
import { brokenOff, isOk, mediaTypeIn, readRepository, type RepositoryRead } from './repository-read.js';

export interface RepositorySource extends ImageSource {
  /**
   * As `openBlob`, from `offset` on, and not checked: for a reader that checks the whole itself, as a blob store does. What the
   * registry does not have is fetched from where the descriptor's `urls` say, without credentials.
   */
  fetchBlob(
    descriptor: Descriptor<string>,
    options?: TransferOptions & { readonly offset?: number },
  ): AsyncIterable<Uint8Array>;
  /** The bytes of a manifest of any kind, checked. */
  fetchDocument(descriptor: Descriptor<string>, options?: TransferOptions): Promise<Buffer>;
}

/** Old registries answer 404 for a manifest whose type is not asked for. */
const ACCEPTED: string = [
  MEDIA_TYPE.ociIndex,
  MEDIA_TYPE.dockerManifestList,
  MEDIA_TYPE.ociManifest,
  MEDIA_TYPE.dockerManifest,
].join(', ');

type Name = Parameters<ImageSource['resolve']>[0];

export function createRepositorySource(context: RegistryContext, repository: Repository): RepositorySource {
  const name = repositoryName(repository);
  const byDigest = (): readonly Endpoint[] => readEndpoints(context.configuration, repository, 'digest');
  const fetchDocument: RepositorySource['fetchDocument'] = async (descriptor, { signal, onBytes } = {}) => {
    const what = `fetch manifest "${name}@${descriptor.digest}"`;
    const headers = { accept: acceptHeader(descriptor.mediaType) };
    const request = { what, path: `manifests/${descriptor.digest}`, headers, endpoints: byDigest(), signal };
    const { bytes } = await readDocument(context, request, descriptor);
    onBytes?.(bytes.byteLength);
    return bytes;
  };
  return {
    async resolve(wanted, { signal } = {}) {
      const endpoints = 'tag' in wanted ? readEndpoints(context.configuration, repository, 'tag') : byDigest();
      const request = {
        what: `find image "${name}${'tag' in wanted ? `:${wanted.tag}` : `@${wanted.digest}`}"`,
        path: `manifests/${'tag' in wanted ? wanted.tag : wanted.digest}`,
        headers: { accept: ACCEPTED },
        endpoints,
        signal,
      };
      return (await resolveByHead(context, wanted, request)) ?? (await resolveByGet(context, wanted, request));
    },
    fetchDocument,
    async fetchManifest(descriptor, options) {
      return decodeManifestOrIndex(await fetchDocument(descriptor, options), descriptor);
    },
    openBlob(descriptor, options) {
      const bytes = verifyBytes(readBlob(context, { name, descriptor, endpoints: byDigest() }, options), descriptor);
      return Promise.resolve(Readable.from(bytes, { objectMode: false }));
    },
    fetchBlob: (descriptor, options) => readBlob(context, { name, descriptor, endpoints: byDigest() }, options),
  };
}

function acceptHeader(mediaType: string): string {
  return ACCEPTED.includes(mediaType) ? ACCEPTED : `${mediaType}, ${ACCEPTED}`;
}

type DocumentRequest = Omit<RepositoryRead, 'method' | 'accept'>;

/** `undefined` when the answer says too little, or is an error: a HEAD has no room for the reason. */
async function resolveByHead(
  context: RegistryContext,
  wanted: Name,
  request: DocumentRequest,
): Promise<ManifestDescriptor | undefined> {
  // Where there is another registry to ask, "not found" is answer enough.
  const accept = (status: number): boolean => status !== 404 || request.endpoints.length === 1;
  const response = await readRepository(context, { ...request, method: 'HEAD', accept });
  await drain(response);
  const mediaType = mediaTypeIn(response) ?? '';
  const size = Number(header(response, 'content-length') ?? Number.NaN);
  const digest = 'digest' in wanted ? wanted.digest : (header(response, 'docker-content-digest') ?? '');
  const known = isManifestMediaType(mediaType) || isIndexMediaType(mediaType);
  if (!isOk(response.status) || !known || !isDigest(digest) || !Number.isSafeInteger(size) || size <= 0)
    return undefined;
  return { mediaType, digest, size };
}

async function resolveByGet(
  context: RegistryContext,
  wanted: Name,
  request: DocumentRequest,
): Promise<ManifestDescriptor> {
  const { bytes, declared } = await readDocument(context, request);
  const digest = 'digest' in wanted ? wanted.digest : digestOf(bytes);
  await collect(verifyBytes(Readable.from([bytes]), { digest, size: bytes.byteLength }), DOCUMENT_LIMIT);
  return { mediaType: manifestMediaType(bytes, { name: digest, declared }), digest, size: bytes.byteLength };
}

/** The exact bytes, those of `expected` if it is given, and the media type that the registry declared. */
async function readDocument(
  context: RegistryContext,
  request: DocumentRequest,
  expected?: Descriptor<string>,
): Promise<{ readonly bytes: Buffer; readonly declared: string | undefined }> {
  const tooLong = (): TsbuildError => documentTooLong(request.what);
  if (expected !== undefined && expected.size > DOCUMENT_LIMIT) throw tooLong();
  return await retry(
    context.policy,
    async (number) => {
      const response = await readRepository(context, { ...request, method: 'GET', accept: isOk });
      const body = expected === undefined ? response.body : verifyBytes(response.body, expected);
      try {
        const bytes = await collect(body, DOCUMENT_LIMIT, tooLong);
        return { outcome: 'done', result: { bytes, declared: mediaTypeIn(response) } };
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        return { outcome: 'failed', error: brokenOff(request, response.url, { error, attempts: number }) };
      }
    },
    request.signal,
  );
}

function documentTooLong(what: string): TsbuildError {
  return new TsbuildError('DOCUMENT_INVALID', `cannot ${what}: it has more than ${DOCUMENT_LIMIT} bytes`, {
    hint: 'No registry takes manifests of this size: ask for another image where you have the name from.',
  });
}
