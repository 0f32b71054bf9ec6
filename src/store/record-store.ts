import type { Digest } from '../oci/digest.js';

/**
 * Small JSON documents under a key, each a cache of something that can be had again: results of build steps, parsed Dockerfiles.
 * A record that cannot be read or parsed is absent.
 */
export interface RecordStore {
  /** Counts as its use, for those who remove what is used least; told apart by the day. */
  load(kind: RecordKind, key: Digest): Promise<unknown>;
  /** Atomic: another process sees the old record, or the new one. */
  save(kind: RecordKind, key: Digest, record: unknown): Promise<void>;
  list(kind: RecordKind): AsyncIterable<Omit<KeptRecord, 'kind'>>;
  delete(kind: RecordKind, key: Digest): Promise<void>;
}

/**
 * `compressed`: by the digest of an uncompressed layer, the descriptor of its gzip blob. `source`: of a URL or a commit, the blob
 * with what was fetched. `context`: of a folder, the hashes of its files. `build`: what the steps of a build were known by when they
 * were last done or found, and the files they took. `verified`: of a file in another store, whether it has the bytes that its name says.
 */
export type RecordKind = 'step' | 'dockerfile' | 'compressed' | 'context' | 'source' | 'build' | 'verified';

/** Spelled out so that the compiler finds a kind that is missing here. */
const KINDS: Readonly<Record<RecordKind, null>> = {
  step: null,
  dockerfile: null,
  compressed: null,
  context: null,
  source: null,
  build: null,
  verified: null,
};
export const RECORD_KINDS: readonly RecordKind[] = Object.keys(KINDS) as RecordKind[];

export interface KeptRecord {
  readonly kind: RecordKind;
  readonly key: Digest;
  readonly record: unknown;
  /** Milliseconds since the epoch, at most a day too early. */
  readonly usedAt: number;
}
