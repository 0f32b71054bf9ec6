import type { Digest } from '../oci/digest.js';

/**
 * Small JSON documents under a key, each a cache of something that can be had again: results of build steps, parsed Dockerfiles.
 * A record that cannot be read or parsed is absent.
 */
export interface RecordStore {
  load(kind: RecordKind, key: Digest): Promise<unknown>;
  /** Atomic: another process sees the old record, or the new one. */
  save(kind: RecordKind, key: Digest, record: unknown): Promise<void>;
  list(kind: RecordKind): AsyncIterable<{ readonly key: Digest; readonly record: unknown }>;
  delete(kind: RecordKind, key: Digest): Promise<void>;
}

/**
 * `compressed`: by the digest of an uncompressed layer, the descriptor of its gzip blob. `source`: of a URL or a commit, the blob
 * with what was fetched.
 */
export type RecordKind = 'step' | 'dockerfile' | 'compressed' | 'source';
