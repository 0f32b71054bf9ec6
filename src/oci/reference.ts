import type { Digest } from './digest.js';

/** A fully qualified image name. At least one of tag and digest is set; when both are, the digest decides. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export type Repository = Pick<Reference, 'registry' | 'repository'>;
