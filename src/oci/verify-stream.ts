import { TsbuildError } from '../support/errors.js';
import { createDigester, digestAlgorithm, digestOf, type Digest, type DigestAlgorithm } from './digest.js';

/** What bytes must be; what is left out may be anything. */
export interface ExpectedBytes {
  readonly digest?: Digest | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
}

/** A digester that knows what has to come out. */
export interface Verifier {
  /** @throws `DIGEST_MISMATCH` as soon as there are too many bytes */
  update(chunk: Uint8Array): void;
  /** To be called once, after the last byte. @throws `DIGEST_MISMATCH` for too few bytes, and for others */
  finish(): { readonly digest: Digest; readonly size: number };
}

/** A verifier of what is digested elsewhere. Its errors are those of a `Verifier`. */
export interface Expectation {
  /** Of the digest that is to be compared. */
  readonly algorithm: DigestAlgorithm;
  /** @throws as `Verifier.update` */
  count(bytes: number): void;
  /** To be called after the last byte. @throws as `Verifier.finish`, for too few bytes */
  end(): void;
  /** To be called last. @throws as `Verifier.finish`, for other bytes */
  compare(found: Digest): { readonly digest: Digest; readonly size: number };
}

export function createExpectation(expected: ExpectedBytes): Expectation {
  const limit = expected.size ?? Infinity;
  let size = 0;
  return {
    algorithm: expected.digest === undefined ? 'sha256' : digestAlgorithm(expected.digest),
    count(bytes) {
      size += bytes;
      if (size > limit) throw tooLong(expected, limit);
    },
    end() {
      if (expected.size !== undefined && size < expected.size) throw tooShort(expected, expected.size, size);
    },
    compare(digest) {
      if (expected.digest !== undefined && digest !== expected.digest) throw different(expected.digest, digest);
      return { digest, size };
    },
  };
}

/** Errors have `details.state`: `long`, `short` or `different`. */
export function createVerifier(expected: ExpectedBytes): Verifier {
  const expectation = createExpectation(expected);
  const digester = createDigester(expectation.algorithm);
  return {
    update(chunk) {
      expectation.count(chunk.byteLength);
      digester.update(chunk);
    },
    finish() {
      expectation.end();
      return expectation.compare(digester.finish().digest);
    },
  };
}

/** Checks bytes that are there whole. @throws `DIGEST_MISMATCH` */
export function verifyWhole(bytes: Uint8Array, expected: { readonly digest: Digest; readonly size: number }): void {
  const { digest, size } = expected;
  if (bytes.length === size && digestAlgorithm(digest) === 'sha256' && digestOf(bytes) === digest) return;
  const verifier = createVerifier(expected);
  verifier.update(bytes);
  verifier.finish();
}

/**
 * The same bytes, checked against what they must be. The last chunk is passed on only once all are checked, so that no reader
 * gets the whole of wrong bytes.
 * @throws `DIGEST_MISMATCH` as soon as there are too many bytes, and at the end of too few or of others
 */
export async function* verifyBytes(
  source: AsyncIterable<Uint8Array>,
  expected: { readonly digest: Digest; readonly size: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const verifier = createVerifier(expected);
  let size = 0;
  let finished = false;
  for await (const chunk of source) {
    size += chunk.byteLength;
    verifier.update(chunk);
    if (size === expected.size && !finished) {
      verifier.finish();
      finished = true;
    }
    if (chunk.byteLength > 0) yield chunk;
  }
  if (!finished) verifier.finish();
}

function nameOf({ digest }: ExpectedBytes): string {
  return digest === undefined ? 'blob' : `blob "${digest}"`;
}

function different(expected: Digest, found: Digest): TsbuildError {
  return new TsbuildError('DIGEST_MISMATCH', `cannot accept blob "${expected}": its bytes have the digest ${found}`, {
    hint: 'The content was changed or damaged where it came from; fetch or make it again.',
    details: { state: 'different', expected, found },
  });
}

function tooLong(expected: ExpectedBytes, size: number): TsbuildError {
  return new TsbuildError('DIGEST_MISMATCH', `cannot accept ${nameOf(expected)}: it is longer than its ${size} bytes`, {
    hint: 'The content was changed or damaged where it came from; fetch or make it again.',
    details: { state: 'long', size },
  });
}

function tooShort(expected: ExpectedBytes, size: number, found: number): TsbuildError {
  return new TsbuildError(
    'DIGEST_MISMATCH',
    `cannot accept ${nameOf(expected)}: it ends after ${found} of ${size} bytes`,
    {
      hint: 'The transfer was cut off; try again.',
      details: { state: 'short', size, found },
    },
  );
}
