import { createHash } from 'node:crypto';
import { TsbuildError } from '../support/errors.js';
import { openSha256, sha256 } from '../support/sha256.js';

export type DigestAlgorithm = 'sha256' | 'sha512';
declare const digestBrand: unique symbol;

/** `algorithm:lowercase-hex`, validated (image-spec descriptor.md, "Digests"): a Map key, JSON and a path segment as it is. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly [digestBrand]: true };

const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** @throws `DIGEST_INVALID` */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new TsbuildError(
      'DIGEST_INVALID',
      `cannot read digest "${text.slice(0, 200)}": not of the form sha256:<hex>`,
      {
        hint: 'Give sha256: and 64 lowercase hexadecimal digits.',
      },
    );
  }
  return text;
}

export function isDigest(text: string): text is Digest {
  const match = /^(sha256|sha512):([0-9a-f]+)$/.exec(text);
  return match !== null && match[2]?.length === HEX_LENGTH[match[1] ?? ''];
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** What Docker shows: the first twelve digits. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${sha256(bytes)}` as Digest;
}

/** Accumulates a digest and a byte count in one pass. */
export interface Digester {
  update(chunk: Uint8Array): void;
  /** Ends the digester; calling it twice throws. */
  finish(): { readonly digest: Digest; readonly size: number };
}

export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const hash = algorithm === 'sha256' ? openSha256() : createHash(algorithm);
  let size = 0;
  return {
    update(chunk) {
      size += chunk.byteLength;
      hash.update(chunk);
    },
    finish: () => ({ digest: `${algorithm}:${hash.digest('hex')}` as Digest, size }),
  };
}
