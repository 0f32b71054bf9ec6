import { availableParallelism } from 'node:os';
import { createExpectation, createVerifier, type ExpectedBytes } from '../../oci/verify-stream.js';
import { systemErrorCode } from '../../support/errors.js';
import type { BlobInfo } from '../blob-store.js';
import type { FileDigest, FileDigestOptions } from './file-digest.js';
import type { PartialBlob } from './partial-blob.js';

/** Bytes. A thread takes some 15 ms and 10 MB to start: with fewer, those are what is seen of it. */
const WORTH_A_THREAD = 32 << 20;
/** What they read goes through one memory: more do not get further. */
const MAX_THREADS = 4;

/** Of this process, whose processors they share. */
let threads = 0;

/** What checks a blob while it is written to a file. */
export interface BlobCheck extends AsyncDisposable {
  /** What the file has already. @throws system errors */
  replay(partial: PartialBlob): Promise<void>;
  /** While the chunk is being written. @throws `DIGEST_MISMATCH` as soon as there are too many bytes */
  update(chunk: Uint8Array): void;
  /** So many bytes more are in the file. */
  wrote(bytes: number): void;
  /** To be called once, when all is written. @throws `DIGEST_MISMATCH`, `ABORTED`; system errors */
  finish(): Promise<BlobInfo>;
}

export interface BlobCheckOptions {
  readonly expect: ExpectedBytes;
  readonly signal: AbortSignal | undefined;
}

/**
 * Large blobs are digested by a thread, as long as there are processors for it; others by the caller.
 * @param path of the file, which is there
 */
export async function openBlobCheck(path: string, options: BlobCheckOptions): Promise<BlobCheck> {
  const { size = 0 } = options.expect;
  const processors = availableParallelism();
  if (size < WORTH_A_THREAD || processors < 2) return checkHere(options);
  const { FileDigest } = await import('./file-digest.js');
  // Not before the last wait: others begin meanwhile.
  if (threads >= Math.min(processors, MAX_THREADS)) return checkHere(options);
  return checkInThread((digesting) => new FileDigest(path, digesting), options) ?? checkHere(options);
}

function checkHere({ expect }: BlobCheckOptions): BlobCheck {
  const verifier = createVerifier(expect);
  return {
    replay: async (partial) => {
      await partial.replay(verifier);
    },
    update: (chunk) => {
      verifier.update(chunk);
    },
    wrote: () => undefined,
    finish: () => Promise.resolve().then(() => verifier.finish()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

type Start = (options: FileDigestOptions) => FileDigest;

/** `undefined` where the system lets this user start no more threads (`ulimit -u`). */
function checkInThread(start: Start, { expect, signal }: BlobCheckOptions): BlobCheck | undefined {
  const expectation = createExpectation(expect);
  const digest = startIfPossible(start, { algorithm: expectation.algorithm, signal });
  if (digest === undefined) return undefined;
  threads += 1;
  return {
    replay: ({ size }) => {
      expectation.count(size);
      digest.grew(size);
      return Promise.resolve();
    },
    update: (chunk) => {
      expectation.count(chunk.byteLength);
    },
    wrote: (bytes) => {
      digest.grew(bytes);
    },
    finish: async () => {
      expectation.end();
      return expectation.compare(await digest.finish());
    },
    [Symbol.asyncDispose]: async () => {
      threads -= 1;
      await digest[Symbol.asyncDispose]();
    },
  };
}

function startIfPossible(start: Start, options: FileDigestOptions): FileDigest | undefined {
  try {
    return start(options);
  } catch (error) {
    if (systemErrorCode(error) === 'ERR_WORKER_INIT_FAILED') return undefined;
    throw error;
  }
}
