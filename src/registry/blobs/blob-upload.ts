import type { Readable } from 'node:stream';
import type { BlobSource } from '../../oci/image-transfer.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { drain, header, redactUrl, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

/** "pull,push" in one scope and first: some registries look at nothing else. */
export function pushScope(endpoint: Endpoint): string {
  return `repository:${endpoint.repository}:pull,push`;
}

/**
 * Opens an upload session, or has the blob mounted from another repository of the same registry (distribution-spec, "Mounting a
 * blob from another repository").
 * @returns where to send the bytes
 * @throws `RegistryFailure`
 */
export async function startUpload(
  context: RegistryContext,
  endpoint: Endpoint,
  { blob, signal }: { readonly blob: BlobSource; readonly signal: AbortSignal | undefined },
): Promise<URL | 'mounted'> {
  const uploads = `/v2/${endpoint.repository}/blobs/uploads/`;
  const from = mountSource(context, endpoint, blob);
  if (from !== undefined) {
    const query = `?mount=${encodeURIComponent(blob.descriptor.digest)}&from=${encodeURIComponent(from)}`;
    const scopes = [pushScope(endpoint), `repository:${from}:pull`];
    const response = await context.requester.send(endpoint, { method: 'POST', path: uploads + query, scopes, signal });
    await drain(response);
    if (response.status === 201) return 'mounted';
    // Not mounting is the registry's right: 202 opens a session; what refuses (400, 401, 403) is asked for a plain one.
    if (response.status === 202) return await sessionOf(context, endpoint, response);
  }
  const response = await context.requester.send(endpoint, {
    method: 'POST',
    path: uploads,
    scopes: [pushScope(endpoint)],
    headers: { 'content-length': '0' },
    signal,
  });
  if (response.status !== 202) throw await failureOfResponse(endpoint, response);
  await drain(response);
  return await sessionOf(context, endpoint, response);
}

/** distribution-spec, "POST then PUT": all bytes in one request. @throws `RegistryFailure` */
export async function uploadBlob(
  context: RegistryContext,
  endpoint: Endpoint,
  upload: {
    readonly blob: BlobSource;
    readonly location: URL;
    /** Called whenever the body starts; what it gives is told of every piece that was sent. */
    readonly onStart: () => (count: number) => void;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { blob, location, onStart, signal } = upload;
  let onBytes = onStart();
  const open = async (): Promise<Readable> => {
    onBytes = onStart();
    return await blob.open();
  };
  const response = await context.requester.send(endpoint, {
    method: 'PUT',
    path: withDigest(location, blob.descriptor.digest),
    scopes: [pushScope(endpoint)],
    headers: { 'content-type': 'application/octet-stream' },
    body: { length: blob.descriptor.size, open },
    // The session has half of the bytes after a failure: another attempt needs another session.
    attempts: 1,
    onBytesSent: (count) => {
      onBytes(count);
    },
    signal,
  });
  if (response.status < 200 || response.status > 299) throw await failureOfResponse(endpoint, response);
  await drain(response);
}

function mountSource(context: RegistryContext, endpoint: Endpoint, { mountFrom }: BlobSource): string | undefined {
  if (mountFrom === undefined) return undefined;
  const source = writeEndpoint(context.configuration, mountFrom);
  return source.host === endpoint.host && source.repository !== endpoint.repository ? source.repository : undefined;
}

/** Absolute or relative; registries behind a TLS proxy write http:// because that is what they see. */
async function sessionOf(context: RegistryContext, endpoint: Endpoint, response: HttpResponse): Promise<URL> {
  const location = header(response, 'location') ?? '';
  if (location === '' || !URL.canParse(location, response.url.href)) {
    throw new RegistryFailure('response', `${endpoint.registry} opened an upload without saying where`);
  }
  const url = new URL(location, response.url);
  const origin = await context.requester.origin(endpoint);
  if (origin.protocol !== 'https:' || url.protocol === 'https:') return url;
  if (url.hostname === origin.hostname) return new URL(url.pathname + url.search, origin);
  throw new RegistryFailure('response', `${endpoint.registry} wants uploads sent unencrypted, to ${redactUrl(url)}`);
}

/** The query of an upload's URL may be signed: it stays as it is, down to its order. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
