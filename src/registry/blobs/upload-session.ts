import type { BlobSource } from '../../oci/image-transfer.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { drain, header, redactUrl, type HttpResponse } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';

/** Where a registry takes a blob in (distribution-spec, "Pushing blobs"). */
export interface UploadSession {
  readonly location: URL;
  /** Bytes that the registry has got. */
  readonly offset: number;
  /** Bytes: chunks must not be smaller, but for the last (`OCI-Chunk-Min-Length`); 0 where nothing was said. */
  readonly minChunk: number;
}

/** Milliseconds that giving a session up may take: whoever cancels does not want to wait. */
const CANCEL_MS = 1_000;

/** "pull,push" in one scope and first: some registries look at nothing else. */
export function pushScope(endpoint: Endpoint): string {
  return `repository:${endpoint.repository}:pull,push`;
}

/**
 * Opens an upload session, or has the blob mounted from another repository of the same registry (distribution-spec, "Mounting a
 * blob from another repository").
 * @throws `RegistryFailure`
 */
export async function startUpload(
  context: RegistryContext,
  endpoint: Endpoint,
  { blob, signal }: { readonly blob: BlobSource; readonly signal: AbortSignal | undefined },
): Promise<UploadSession | 'mounted'> {
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

/** How far a session is, after a connection that broke: `undefined` when the registry does not say, or knows it no more. */
export async function askProgress(
  context: RegistryContext,
  endpoint: Endpoint,
  { session, signal }: { readonly session: UploadSession; readonly signal: AbortSignal | undefined },
): Promise<UploadSession | undefined> {
  try {
    const response = await context.requester.send(endpoint, {
      method: 'GET',
      path: session.location,
      scopes: [pushScope(endpoint)],
      signal,
    });
    await drain(response);
    const offset = offsetIn(response);
    if (response.status < 200 || response.status > 204 || offset === undefined) return undefined;
    return { ...session, location: await nextLocation(context, endpoint, { session, response }), offset };
  } catch (error) {
    if (error instanceof RegistryFailure) return undefined;
    throw error;
  }
}

/** Where to go on after an answer within a session: each may name another place. */
export async function nextLocation(
  context: RegistryContext,
  endpoint: Endpoint,
  { session, response }: { readonly session: UploadSession; readonly response: HttpResponse },
): Promise<URL> {
  if (header(response, 'location') === undefined) return session.location;
  return (await sessionOf(context, endpoint, response)).location;
}

/** Tells the registry that nothing more will come. Whether it listens does not matter: sessions end by themselves. */
export async function cancelUpload(
  context: RegistryContext,
  endpoint: Endpoint,
  session: UploadSession,
): Promise<void> {
  const request = {
    method: 'DELETE' as const,
    path: session.location,
    scopes: [pushScope(endpoint)],
    attempts: 1,
    signal: AbortSignal.timeout(CANCEL_MS),
  };
  await context.requester.send(endpoint, request).then(drain, () => undefined);
}

/** The query of an upload's URL may be signed: it stays as it is, down to its order. */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

function mountSource(context: RegistryContext, endpoint: Endpoint, { mountFrom }: BlobSource): string | undefined {
  if (mountFrom === undefined) return undefined;
  const source = writeEndpoint(context.configuration, mountFrom);
  return source.host === endpoint.host && source.repository !== endpoint.repository ? source.repository : undefined;
}

/** `Range: 0-<last>`. Registries say `0-0` for one byte and for none; none is what does no harm. */
function offsetIn(response: HttpResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(header(response, 'range')?.trim() ?? '')?.[1];
  if (last === undefined) return undefined;
  return last === '0' ? 0 : Number(last) + 1;
}

/** Absolute or relative; registries behind a TLS proxy write http:// because that is what they see. */
async function sessionOf(context: RegistryContext, endpoint: Endpoint, response: HttpResponse): Promise<UploadSession> {
  const location = header(response, 'location') ?? '';
  if (location === '' || !URL.canParse(location, response.url.href)) {
    throw new RegistryFailure('response', `${endpoint.registry} opened an upload without saying where`);
  }
  const minChunk = Number(/^\d{1,12}$/.exec(header(response, 'oci-chunk-min-length')?.trim() ?? '')?.[0] ?? 0);
  const url = new URL(location, response.url);
  const origin = await context.requester.origin(endpoint);
  if (origin.protocol !== 'https:' || url.protocol === 'https:') return { location: url, offset: 0, minChunk };
  if (url.hostname === origin.hostname) {
    return { location: new URL(url.pathname + url.search, origin), offset: 0, minChunk };
  }
  throw new RegistryFailure('response', `${endpoint.registry} wants uploads sent unencrypted, to ${redactUrl(url)}`);
}
