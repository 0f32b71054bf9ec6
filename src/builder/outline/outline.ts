import type { SourceRange } from '../../support/source-range.js';

/** What a build of a target can be given, and where the Dockerfile asks for it. */
export interface Outline {
  /** Of the target; absent where its stage has no name. */
  readonly name?: string;
  /** From the comment above the target. */
  readonly description?: string;
  /** Each in the order of the file. */
  readonly args: readonly OutlinedArgument[];
  readonly secrets: readonly OutlinedSecret[];
  readonly ssh: readonly OutlinedSecret[];
}

export interface OutlinedArgument {
  readonly name: string;
  /** What it is worth in a build with what the request gives; absent where nothing gives it a value. */
  readonly value?: string;
  readonly description?: string;
  readonly source: SourceRange;
}

/** A secret, or an agent of keys, by its id. */
export interface OutlinedSecret {
  readonly name: string;
  readonly required: boolean;
  readonly source: SourceRange;
}
