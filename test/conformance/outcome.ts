import type { ImageFacts } from './facts.js';

/** What came of a case. */
export type Outcome =
  | { readonly kind: 'image'; readonly image: ImageFacts }
  | {
      readonly kind: 'failure';
      /** What the builder said. */
      readonly error: string;
    };

/** A warning about a Dockerfile, by BuildKit's name for the rule; `line` is the first one, from 1. */
export interface Check {
  readonly rule: string;
  readonly line: number;
  readonly message: string;
}
