import type { Digest } from '../../oci/digest.js';

/** One way in which what a step depends on is not what it was when the step was last done or found. */
export type KeyChange =
  /** No former build of such a step is known. */
  | { readonly what: 'new' }
  /** It was not to be looked for: `--no-cache`. */
  | { readonly what: 'not-looked-for' }
  /** Nothing is different: what is remembered of it, or its layer, is no longer in the store. */
  | { readonly what: 'forgotten' }
  /** Another version of the builder keys steps another way. */
  | { readonly what: 'builder' }
  /** The text of the command, or the sources and destination of a copy. */
  | { readonly what: 'instruction'; readonly before: string; readonly after: string }
  /** A build argument or a variable; `null` where there was or is none. */
  | { readonly what: 'variable'; readonly name: string; readonly before: string | null; readonly after: string | null }
  /** Anything else that counts: user, folder, network, an option, platform. */
  | { readonly what: 'setting'; readonly name: string; readonly before: string; readonly after: string }
  | {
      readonly what: 'base';
      readonly reference: string;
      /** `null` when the former one was of another name. */
      readonly before: Digest | null;
      readonly after: Digest;
    }
  /** What it stands on, or takes files from, has other content because of an earlier step. */
  | { readonly what: 'step'; readonly step: string; readonly label: string; readonly role: 'parent' | 'source' }
  | {
      readonly what: 'files';
      /** The first of them, in the order of their paths. */
      readonly files: readonly FileChange[];
      /** Of all; 0 when it is not known which they are. */
      readonly total: number;
    };

export interface FileChange {
  /** In the build context or the stage. */
  readonly path: string;
  readonly how: FileChangeKind;
  /** Where there are two to tell: of mode, owner and type. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export type FileChangeKind = 'added' | 'removed' | 'content' | 'mode' | 'owner' | 'type' | 'attributes';
