import { Readable } from 'node:stream';
import { decodeManifestOrIndex, DOCUMENT_LIMIT, manifestMediaType } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import { digestOf, isDigest } from '../oci/digest.js';
import type { ImageSource, TransferOptions } from '../oci/image-transfer.js';
import type { ManifestDescriptor } from '../oci/image.js';
import { isIndexMediaType, isManifestMediaType, MEDIA_TYPE } from '../oci/media-type.js';
import { repositoryName, type Repository } from '../oci/reference.js';
import { verifyBytes } from '../oci/verify-stream.js';
import { collect } from '../support/byte-streams.js';
import { TsbuildError } from '../support/errors.js';
import { retry } from '../support/retry.js';
import { downloadBlob } from './blob-download.js';
import { readEndpoints, type Endpoint } from './endpoint.js';
import { ConnectionError, drain, header, type HttpResponse } from './http/http-message.js';
import { readAnywhere } from './read-anywhere.js';
import { failureOfConnection, registryError } from './registry-failure.js';
import type { RegistryContext } from './registry-context.js';

export interface RepositorySource extends ImageSource {
  /** As `openBlob`, but the bytes are not checked: for a reader that checks them itself, as a blob store does. */
  fetchBlob(descriptor: Descriptor<string>, options?: TransferOptions): AsyncIterable<Uint8Array>;
}

/** Old registries answer 404 for a manifest whose type is not asked for. */
const ACCEPTED: string = [
  MEDIA_TYPE.ociIndex,
  MEDIA_TYPE.dockerManifestList,
  MEDIA_TYPE.ociManifest,
  MEDIA_TYPE.dockerManifest,
].join(', ');

type Name = Parameters<ImageSource['resolve']>[0];

interface Read {
  readonly what: string;
  readonly method: 'GET' | 'HEAD';
  /** Below `/v2/<repository>/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly endpoints: readonly Endpoint[];
  readonly accept: (status: number) => boolean;
  readonly signal: AbortSignal | undefined;
}

export function createRepositorySource(context: RegistryContext, repository: Repository): RepositorySource {
  const name = repositoryName(repository);
  const byDigest = (): readonly Endpoint[] => readEndpoints(context.configuration, repository, 'digest');
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
    async fetchManifest(descriptor, { signal, onBytes } = {}) {
      const what = `fetch manifest "${name}@${descriptor.digest}"`;
      const path = `manifests/${descriptor.digest}`;
      const request = { what, path, headers: { accept: ACCEPTED }, endpoints: byDigest(), signal };
      const { bytes } = await readDocument(context, request, descriptor);
      onBytes?.(bytes.byteLength);
      return decodeManifestOrIndex(bytes, descriptor);
    },
    openBlob(descriptor, options) {
      const bytes = verifyBytes(download(context, { name, descriptor, endpoints: byDigest() }, options), descriptor);
      return Promise.resolve(Readable.from(bytes, { objectMode: false }));
    },
    fetchBlob: (descriptor, options) => download(context, { name, descriptor, endpoints: byDigest() }, options),
  };
}

type DocumentRequest = Omit<Read, 'method' | 'accept'>;

/** `undefined` when the answer says too little, or is an error: a HEAD has no room for the reason. */
async function resolveByHead(
  context: RegistryContext,
  wanted: Name,
  request: DocumentRequest,
): Promise<ManifestDescriptor | undefined> {
  // Where there is another registry to ask, "not found" is answer enough.
  const accept = (status: number): boolean => status !== 404 || request.endpoints.length === 1;
  const response = await read(context, { ...request, method: 'HEAD', accept });
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
  expected?: ManifestDescriptor,
): Promise<{ readonly bytes: Buffer; readonly declared: string | undefined }> {
  const tooLong = (): TsbuildError => documentTooLong(request.what);
  if (expected !== undefined && expected.size > DOCUMENT_LIMIT) throw tooLong();
  return await retry(
    context.policy,
    async (number) => {
      const response = await read(context, { ...request, method: 'GET', accept: isOk });
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

interface BlobRequest {
  readonly name: string;
  readonly descriptor: Descriptor<string>;
  readonly endpoints: readonly Endpoint[];
}

async function* download(
  context: RegistryContext,
  { name, descriptor, endpoints }: BlobRequest,
  { signal, onBytes }: TransferOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const request = {
    what: `fetch blob "${name}@${descriptor.digest}"`,
    path: `blobs/${descriptor.digest}`,
    endpoints,
    signal,
  };
  let url: URL | undefined;
  const open = async (offset: number): Promise<HttpResponse> => {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const accept = offset === 0 ? isOk : isOkOrRange;
    const response = await read(context, { ...request, method: 'GET', headers, accept });
    url = response.url;
    return response;
  };
  try {
    yield* downloadBlob({ descriptor, open, policy: context.policy, onBytes, signal });
  } catch (error) {
    if (!(error instanceof ConnectionError) || url === undefined) throw error;
    throw brokenOff(request, url, { error, attempts: context.policy.attempts });
  }
}

/** Mirrors are tried less hard: there is still the registry itself. */
const MIRROR_ATTEMPTS = 2;

async function read(context: RegistryContext, request: Read): Promise<HttpResponse> {
  const { what, method, path, headers, endpoints, accept, signal } = request;
  return await readAnywhere({
    what,
    endpoints,
    accept,
    health: context.health,
    ask: async (endpoint) =>
      await context.requester.send(endpoint, {
        method,
        path: `/v2/${endpoint.repository}/${path}`,
        scopes: [`repository:${endpoint.repository}:pull`],
        headers,
        attempts: endpoint.kind === 'mirror' ? MIRROR_ATTEMPTS : undefined,
        signal,
      }),
  });
}

function isOk(status: number): boolean {
  return status === 200;
}

function isOkOrRange(status: number): boolean {
  return status === 200 || status === 206 || status === 416;
}

function mediaTypeIn(response: HttpResponse): string | undefined {
  return header(response, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
}

function brokenOff(
  { what, endpoints }: Pick<Read, 'what' | 'endpoints'>,
  url: URL,
  { error, attempts }: { readonly error: ConnectionError; readonly attempts: number },
): TsbuildError {
  const failure = failureOfConnection(url, error, attempts);
  return registryError(
    what,
    endpoints.slice(-1).map((endpoint) => ({ endpoint, failure })),
  );
}

function documentTooLong(what: string): TsbuildError {
  return new TsbuildError('DOCUMENT_INVALID', `cannot ${what}: it has more than ${DOCUMENT_LIMIT} bytes`, {
    hint: 'No registry takes manifests of this size: ask for another image where you have the name from.',
  });
}
