import { Readable } from 'node:stream';
import type { BlobSource } from '../../oci/image-transfer.js';
import { drain } from '../http/http-message.js';
import type { Endpoint } from '../endpoint.js';
import type { RegistryContext } from '../registry-context.js';
import { ChunkReader } from './chunk-reader.js';
import { askProgress, nextLocation, pushScope, withDigest, type UploadSession } from './upload-session.js';
import { backoffMs } from '../../support/retry.js';
import { failureOfResponse, RegistryFailure } from '../registry-failure.js';

export interface Upload {
  readonly blob: BlobSource;
  readonly session: UploadSession;
  /** Called whenever bytes begin to be sent, with their offset; what it gives is told of every piece. */
  readonly onStart: (offset: number) => (count: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Bytes. Some registries take no more in one request (GitHub's answers 416), and every one takes this. */
export const CHUNK: number = 4 << 20;
/** Bytes, kept in memory for each upload under way. A registry that wants larger chunks gets the blob whole. */
const MAX_CHUNK = 32 << 20;

/** distribution-spec, "POST then PUT": all bytes in one request. @throws `RegistryFailure` */
export async function uploadWhole(context: RegistryContext, endpoint: Endpoint, upload: Upload): Promise<void> {
  const { blob, session, onStart, signal } = upload;
  let onBytes = onStart(0);
  const open = async (): Promise<Readable> => {
    onBytes = onStart(0);
    return await blob.open();
  };
  const response = await context.requester.send(endpoint, {
    method: 'PUT',
    path: withDigest(session.location, blob.descriptor.digest),
    scopes: [pushScope(endpoint)],
    headers: { 'content-type': 'application/octet-stream' },
    body: { length: blob.descriptor.size, open },
    // The session has half of the bytes after a failure: another attempt needs another session, or to ask how far this one is.
    attempts: 1,
    onBytesSent: (count) => {
      onBytes(count);
    },
    signal,
  });
  if (response.status < 200 || response.status > 299) throw await failureOfResponse(endpoint, response);
  await drain(response);
}

/**
 * distribution-spec, "Pushing a blob in chunks": from where the session is. A chunk that breaks off is followed by the question
 * how far the registry got, for as long as that brings the blob forward.
 * @throws `RegistryFailure`
 */
export async function uploadInChunks(context: RegistryContext, endpoint: Endpoint, upload: Upload): Promise<void> {
  const { blob, signal } = upload;
  const { size, digest } = blob.descriptor;
  const chunkSize = Math.max(CHUNK, upload.session.minChunk);
  if (chunkSize > MAX_CHUNK)
    throw new RegistryFailure('response', chunksTooLarge(endpoint), { details: { status: 416 } });
  await using reader = new ChunkReader(blob);
  const attempts = { failures: 0 };
  let session = upload.session;
  while (session.offset < size) {
    const chunk = await reader.at(session.offset, chunkSize);
    session = await sendOrAsk(context, endpoint, { ...upload, session, chunk, attempts });
  }
  await finish(context, endpoint, { location: withDigest(session.location, digest), signal });
}

type ChunkUpload = Upload & { readonly chunk: Buffer };

/** @returns the session after the chunk; or as the registry has it, when sending the chunk failed and may be tried again */
async function sendOrAsk(
  context: RegistryContext,
  endpoint: Endpoint,
  upload: ChunkUpload & { readonly attempts: { failures: number } },
): Promise<UploadSession> {
  const { session, signal, attempts, blob } = upload;
  try {
    const next = await sendChunk(context, endpoint, upload);
    attempts.failures = 0;
    return next;
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    const known = await askProgress(context, endpoint, { session, signal });
    if (known === undefined || known.offset > blob.descriptor.size) throw error;
    const moved = known.offset !== session.offset;
    if (!moved && !error.transient) throw error;
    attempts.failures = known.offset > session.offset ? 0 : attempts.failures + 1;
    await pauseAfter(context, error, { failures: attempts.failures, signal });
    return known;
  }
}

/** @throws `error` when there were too many, or the pause that the registry asks for is too long */
async function pauseAfter(
  { policy, maxRetryAfterMs }: RegistryContext,
  error: RegistryFailure,
  { failures, signal }: { readonly failures: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const waitMs = error.waitMs ?? (failures === 0 ? 0 : backoffMs(policy, failures));
  if (failures >= policy.attempts || waitMs > maxRetryAfterMs) throw error;
  if (waitMs > 0) await policy.sleep(waitMs, signal);
}

async function finish(
  context: RegistryContext,
  endpoint: Endpoint,
  { location, signal }: { readonly location: URL; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const response = await context.requester.send(endpoint, {
    method: 'PUT',
    path: location,
    scopes: [pushScope(endpoint)],
    headers: { 'content-length': '0' },
    signal,
  });
  if (response.status < 200 || response.status > 299) throw await failureOfResponse(endpoint, response);
  await drain(response);
}

function chunksTooLarge({ registry }: Endpoint): string {
  return `${registry} wants uploads in chunks of more than ${MAX_CHUNK} bytes`;
}

/** @returns the session after the chunk */
async function sendChunk(
  context: RegistryContext,
  endpoint: Endpoint,
  { session, chunk, onStart, signal }: ChunkUpload,
): Promise<UploadSession> {
  let onBytes = onStart(session.offset);
  const end = session.offset + chunk.length;
  const response = await context.requester.send(endpoint, {
    method: 'PATCH',
    path: session.location,
    scopes: [pushScope(endpoint)],
    headers: { 'content-type': 'application/octet-stream', 'content-range': `${session.offset}-${end - 1}` },
    body: {
      length: chunk.length,
      open: () => {
        onBytes = onStart(session.offset);
        return Promise.resolve(Readable.from([chunk], { objectMode: false }));
      },
    },
    attempts: 1,
    onBytesSent: (count) => {
      onBytes(count);
    },
    signal,
  });
  // 202 by the specification; 201 and 204 by ECR and Pulp, whose `Range` also lags behind: what was taken, was taken.
  if (response.status < 200 || response.status > 204) throw await failureOfResponse(endpoint, response);
  await drain(response);
  return { ...session, location: await nextLocation(context, endpoint, { session, response }), offset: end };
}
