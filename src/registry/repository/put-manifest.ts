import { Readable } from 'node:stream';
import { digestAlgorithm, isDigest } from '../../oci/digest.js';
import type { EncodedManifest } from '../../oci/image.js';
import type { TransferOptions } from '../../oci/image-transfer.js';
import { retry } from '../../support/retry.js';
import { pushScope } from '../blobs/upload-session.js';
import type { Endpoint } from '../endpoint.js';
import { drain, header, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

export interface ManifestPush {
  readonly manifest: EncodedManifest;
  readonly options: TransferOptions & { readonly tag?: string };
}

/** By its digest. */
export async function hasManifest(
  context: RegistryContext,
  endpoint: Endpoint,
  { manifest, options }: ManifestPush,
): Promise<boolean> {
  const { mediaType, digest } = manifest.descriptor;
  const response = await context.requester.send(endpoint, {
    method: 'HEAD',
    path: `/v2/${endpoint.repository}/manifests/${digest}`,
    scopes: [pushScope(endpoint)],
    headers: { accept: mediaType },
    signal: options.signal,
  });
  await drain(response);
  return response.status === 200;
}

/**
 * @returns whether the registry says that it lists the manifest with its subject (distribution-spec, "Pushing Manifests with
 * Subject")
 * @throws `RegistryFailure`; `ABORTED`
 */
export async function putManifest(
  context: RegistryContext,
  endpoint: Endpoint,
  push: ManifestPush,
): Promise<{ readonly subjectNoted: boolean }> {
  const { descriptor, bytes } = push.manifest;
  const { tag = descriptor.digest, signal, onBytes } = push.options;
  const stored = await retry<{ readonly subjectNoted: boolean }>(
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
      return { outcome: 'done', result: { subjectNoted: header(response, 'oci-subject') !== undefined } };
    },
    signal,
  );
  onBytes?.(bytes.byteLength);
  return stored;
}

/** A registry that rewrites manifests would make every digest taken here useless. */
function checkStored(endpoint: Endpoint, response: HttpResponse, { descriptor }: EncodedManifest): void {
  const stored = header(response, 'docker-content-digest') ?? '';
  if (!isDigest(stored) || digestAlgorithm(stored) !== digestAlgorithm(descriptor.digest)) return;
  if (stored === descriptor.digest) return;
  throw new RegistryFailure('response', `${endpoint.registry} stored ${stored} in place of ${descriptor.digest}`);
}
