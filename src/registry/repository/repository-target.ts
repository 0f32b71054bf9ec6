import type { BlobSource, ImageTarget, PushOutcome, TransferOptions } from '../../oci/image-transfer.js';
import { Readable } from 'node:stream';
import { digestAlgorithm, isDigest } from '../../oci/digest.js';
import type { EncodedManifest } from '../../oci/image.js';
import { repositoryName, type Repository } from '../../oci/reference.js';
import { retry } from '../../support/retry.js';
import { pushScope, startUpload, uploadBlob } from '../blobs/blob-upload.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { drain, header, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure, registryError } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

export function createRepositoryTarget(context: RegistryContext, repository: Repository): ImageTarget {
  const name = repositoryName(repository);
  return {
    async pushBlob(blob, options = {}) {
      const endpoint = writeEndpoint(context.configuration, repository);
      return await explained(`push blob "${blob.descriptor.digest}" to "${name}"`, endpoint, async () => {
        const present = await exists(context, endpoint, { blob, options });
        return present ? 'exists' : await pushMissingBlob(context, endpoint, { blob, options });
      });
    },
    async pushManifest(manifest, options = {}) {
      const endpoint = writeEndpoint(context.configuration, repository);
      const label = options.tag === undefined ? `@${manifest.descriptor.digest}` : `:${options.tag}`;
      await explained(`push manifest "${name}${label}"`, endpoint, async () => {
        await putManifest(context, endpoint, { manifest, options });
      });
    },
  };
}

interface BlobPush {
  readonly blob: BlobSource;
  readonly options: TransferOptions;
}

/** distribution-spec, "Checking if content exists in the registry". */
async function exists(context: RegistryContext, endpoint: Endpoint, { blob, options }: BlobPush): Promise<boolean> {
  const response = await context.requester.send(endpoint, {
    method: 'HEAD',
    path: `/v2/${endpoint.repository}/blobs/${blob.descriptor.digest}`,
    scopes: [pushScope(endpoint)],
    signal: options.signal,
  });
  if (response.status === 401 || response.status === 403) throw await failureOfResponse(endpoint, response);
  await drain(response);
  return response.status === 200;
}

/** An upload that breaks off starts over: what a registry did with the first part of it is not for sure. */
async function pushMissingBlob(context: RegistryContext, endpoint: Endpoint, push: BlobPush): Promise<PushOutcome> {
  const onStart = onlyNew(push.options.onBytes);
  return await retry<PushOutcome>(
    context.policy,
    async (number) => {
      try {
        const location = await startUpload(context, endpoint, { blob: push.blob, signal: push.options.signal });
        if (location === 'mounted') return { outcome: 'done', result: 'mounted' };
        await uploadBlob(context, endpoint, {
          blob: push.blob,
          location,
          onStart,
          signal: push.options.signal,
        });
        return { outcome: 'done', result: 'uploaded' };
      } catch (error) {
        if (error instanceof RegistryFailure && isWorthAnotherTry(error, number)) return { outcome: 'failed', error };
        throw error;
      }
    },
    push.options.signal,
  );
}

/** A session that was forgotten (404) or got out of step (400, 416) is worth one other; content that is refused again is wrong. */
function isWorthAnotherTry({ transient, details }: RegistryFailure, number: number): boolean {
  return transient || (number === 1 && [400, 404, 416].includes(Number(details['status'])));
}

/** Counts what is sent for the first time: bytes that a retry sends again have moved already. */
function onlyNew(onBytes: ((count: number) => void) | undefined): () => (count: number) => void {
  let furthest = 0;
  return () => {
    let sent = 0;
    return (count) => {
      sent += count;
      if (sent <= furthest) return;
      onBytes?.(sent - furthest);
      furthest = sent;
    };
  };
}

interface ManifestPush {
  readonly manifest: EncodedManifest;
  readonly options: TransferOptions & { readonly tag?: string };
}

async function putManifest(context: RegistryContext, endpoint: Endpoint, push: ManifestPush): Promise<void> {
  const { descriptor, bytes } = push.manifest;
  const { tag = descriptor.digest, signal, onBytes } = push.options;
  await retry(
    context.policy,
    async () => {
      const response = await context.requester.send(endpoint, {
        method: 'PUT',
        path: `/v2/${endpoint.repository}/manifests/${tag}`,
        scopes: [pushScope(endpoint)],
        headers: { 'content-type': descriptor.mediaType },
        body: { length: bytes.byteLength, open: () => Promise.resolve(Readable.from([bytes])) },
        signal,
      });
      if (response.status < 200 || response.status > 299) {
        const error = await failureOfResponse(endpoint, response);
        // Some registries need a moment until a blob that they have taken is known to them.
        if (error.registryCodes.includes('MANIFEST_BLOB_UNKNOWN')) return { outcome: 'failed', error };
        throw error;
      }
      await drain(response);
      checkStored(endpoint, response, push.manifest);
      return { outcome: 'done', result: undefined };
    },
    signal,
  );
  onBytes?.(bytes.byteLength);
}

/** A registry that rewrites manifests would make every digest taken here useless. */
function checkStored(endpoint: Endpoint, response: HttpResponse, { descriptor }: EncodedManifest): void {
  const stored = header(response, 'docker-content-digest') ?? '';
  if (!isDigest(stored) || digestAlgorithm(stored) !== digestAlgorithm(descriptor.digest)) return;
  if (stored === descriptor.digest) return;
  throw new RegistryFailure('response', `${endpoint.registry} stored ${stored} in place of ${descriptor.digest}`);
}

async function explained<T>(what: string, endpoint: Endpoint, push: () => Promise<T>): Promise<T> {
  try {
    return await push();
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    throw registryError(what, [{ endpoint, failure: error.kind === 'missing' ? asResponse(error) : error }]);
  }
}

/** When pushing, 404 does not mean that an image was looked for and is not there. */
function asResponse({ message, ...options }: RegistryFailure): RegistryFailure {
  return new RegistryFailure('response', message, options);
}
