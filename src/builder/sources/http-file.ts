import { gunzip } from '../../layers/compression/gunzip.js';
import { digestOf, isDigest, type Digest } from '../../oci/digest.js';
import { header, redactUrl, type HttpResponse } from '../../registry/http/http-message.js';
import { describedFailure, type WebClient } from '../../registry/http/web-client.js';
import type { BlobInfo } from '../../store/blob-store.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { HttpOperation } from '../operation.js';

export interface HttpParts {
  readonly store: Pick<Store, 'blobs' | 'records'>;
  readonly web: () => Promise<WebClient>;
}

export interface HttpFetch {
  readonly signal: AbortSignal;
  /** Told of bytes so far, and in all where the server says so. */
  readonly onProgress?: (current: number, total: number | undefined) => void;
  /** Bytes; 32 GiB unless given. */
  readonly maxBytes?: number;
}

/** What a URL had, in the store's blobs. */
export interface HttpFile extends BlobInfo {
  /** Of `Last-Modified`, in seconds since 1970; 0 where the server does not say. */
  readonly modified: number;
}

/** What is remembered of a URL, under a key that tells it to nobody. */
interface HttpRecord extends HttpFile {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

const DEFAULT_MAX_BYTES = 32 * 2 ** 30;
/** Longer than anybody waits, and shorter than for ever: a server may send a byte a minute. */
const MAX_SECONDS = 6 * 60 * 60;

/**
 * Has the content of a URL in the store: the server is asked in every build, and sends it only when it has changed
 * (dockerfile.md 100, 116). What has the digest that is asked for is not asked for again.
 * @throws `SOURCE_UNAVAILABLE`, `DIGEST_MISMATCH`, `ABORTED`
 */
export async function fetchHttpFile(
  { url: address, checksum }: Pick<HttpOperation, 'url' | 'checksum'>,
  parts: HttpParts,
  fetch: HttpFetch,
): Promise<HttpFile> {
  const url = new URL(address);
  const key = digestOf(JSON.stringify(['http', address]));
  const known = await knownFile(key, parts.store);
  if (known !== undefined && known.digest === checksum) return known;
  const deadline = AbortSignal.timeout(MAX_SECONDS * 1000);
  const signal = AbortSignal.any([fetch.signal, deadline]);
  try {
    const response = await (await parts.web()).get({ url, headers: conditions(known, checksum), signal });
    if (known !== undefined && isUnchanged(response, known)) {
      response.discard();
      return known;
    }
    return await receive({ url, key, checksum, response }, parts.store, { ...fetch, signal });
  } catch (error) {
    if (!deadline.aborted || !isTsbuildError(error, 'ABORTED')) throw error;
    throw unavailable(url, `it did not come within ${MAX_SECONDS / 3600} hours`, { cause: error });
  }
}

async function knownFile(key: Digest, { records, blobs }: HttpParts['store']): Promise<HttpRecord | undefined> {
  const record = await records.load('source', key);
  if (!isHttpRecord(record)) return undefined;
  return (await blobs.size(record.digest)) === record.size ? record : undefined;
}

function isHttpRecord(record: unknown): record is HttpRecord {
  const { digest, size, modified, etag, lastModified } = (record ?? {}) as Partial<Record<keyof HttpRecord, unknown>>;
  return (
    typeof digest === 'string' &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    Number.isSafeInteger(modified) &&
    (etag === undefined || typeof etag === 'string') &&
    (lastModified === undefined || typeof lastModified === 'string')
  );
}

/** A file of another digest than the one that is wanted is of no use, changed or not. */
function conditions(known: HttpRecord | undefined, checksum: Digest | undefined): Readonly<Record<string, string>> {
  if (known === undefined || checksum !== undefined) return {};
  return {
    ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  };
}

/** Some servers give entity tags and do not heed them in requests. */
function isUnchanged(response: HttpResponse, { etag }: HttpRecord): boolean {
  if (response.status === 304) return true;
  return response.status === 200 && etag !== undefined && header(response, 'etag') === etag;
}

interface Received {
  readonly url: URL;
  readonly key: Digest;
  readonly checksum: Digest | undefined;
  readonly response: HttpResponse;
}

async function receive(
  { url, key, checksum, response }: Received,
  store: HttpParts['store'],
  fetch: HttpFetch,
): Promise<HttpFile> {
  if (response.status !== 200) {
    response.discard();
    throw statusError(url, response.status);
  }
  const body = decodedBody(url, response, fetch);
  const info = await ingest(body, { url, checksum, store, signal: fetch.signal });
  const [etag, lastModified] = [header(response, 'etag'), header(response, 'last-modified')];
  const record: HttpRecord = { ...info, modified: secondsOf(lastModified), etag, lastModified };
  await store.records.save('source', key, record);
  return record;
}

async function ingest(
  body: AsyncIterable<Uint8Array>,
  options: { readonly url: URL; readonly checksum: Digest | undefined; readonly signal: AbortSignal } & {
    readonly store: HttpParts['store'];
  },
): Promise<BlobInfo> {
  const { url, checksum, store, signal } = options;
  try {
    return await store.blobs.ingest(body, {
      signal,
      ...(checksum === undefined ? {} : { expect: { digest: checksum } }),
    });
  } catch (error) {
    if (!isTsbuildError(error, 'DIGEST_MISMATCH')) throw error;
    throw new TsbuildError('DIGEST_MISMATCH', `cannot use "${redactUrl(url)}": its content is not what was asked for`, {
      hint: `${error.message}. If the file was meant to change, change --checksum with it.`,
      cause: error,
      details: error.details,
    });
  }
}

/** RFC 9110 §8.4.1: servers may compress although they were asked not to. */
function decodedBody(url: URL, response: HttpResponse, fetch: HttpFetch): AsyncIterable<Uint8Array> {
  const encoding = header(response, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  const body = counted(url, response, fetch);
  if (encoding === 'identity' || encoding === '') return body;
  if (encoding === 'gzip' || encoding === 'x-gzip') return limited(gunzip(body), { url, max: maxBytes(fetch) });
  response.discard();
  throw unavailable(url, `it comes in the encoding "${encoding.slice(0, 40)}"`, {
    hint: 'Only gzip is understood; have the server send the file as it is.',
  });
}

function maxBytes({ maxBytes: max = DEFAULT_MAX_BYTES }: HttpFetch): number {
  return max;
}

async function* counted(
  url: URL,
  response: HttpResponse,
  fetch: HttpFetch,
): AsyncGenerator<Uint8Array, void, undefined> {
  const announced = Number(header(response, 'content-length') ?? Number.NaN);
  const total = Number.isSafeInteger(announced) ? announced : undefined;
  const max = maxBytes(fetch);
  if (total !== undefined && total > max) throw tooLarge(url, max);
  let current = 0;
  try {
    for await (const chunk of limited(response.body, { url, max })) {
      current += chunk.byteLength;
      fetch.onProgress?.(current, total);
      yield chunk;
    }
  } catch (error) {
    throw describedFailure(url, error);
  } finally {
    response.discard();
  }
}

async function* limited(
  source: AsyncIterable<Uint8Array>,
  { url, max }: { readonly url: URL; readonly max: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > max) throw tooLarge(url, max);
    yield chunk;
  }
}

function secondsOf(lastModified: string | undefined): number {
  const milliseconds = lastModified === undefined ? Number.NaN : Date.parse(lastModified);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
}

function statusError(url: URL, status: number): TsbuildError {
  const hints: Readonly<Record<number, string>> = {
    401: 'It wants a user and a password: fetch it in a RUN step, with a secret mount for them.',
    403: 'The server does not give it to this user.',
    404: 'Check the address: the server has nothing there.',
  };
  const busy = 'The server, or something in front of it, is in trouble: try again later.';
  return unavailable(url, `the server answered ${status}`, {
    hint: hints[status] ?? (status >= 500 ? busy : undefined),
  });
}

function tooLarge(url: URL, max: number): TsbuildError {
  return unavailable(url, `it has more than ${max} bytes`, {
    hint: 'Fetch it in a RUN step, or put it into the build context.',
  });
}

function unavailable(
  url: URL,
  state: string,
  options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
): TsbuildError {
  return new TsbuildError('SOURCE_UNAVAILABLE', `cannot fetch "${redactUrl(url)}": ${state}`, options);
}
