import type { Digest } from '../oci/digest.js';
import type { Platform } from '../oci/platform.js';

/** What a vertex does. Plain data, complete: two equal operations on equal inputs have equal results. */
export type Operation =
  ImageOperation | ScratchOperation | ContextOperation | RunOperation | CopyOperation | WorkdirOperation;

/** No inputs. The root file system of a base image, by the manifest that its name was resolved to. */
export interface ImageOperation {
  readonly kind: 'image';
  /** Normalised, as `docker.io/library/debian:latest`. */
  readonly reference: string;
  readonly manifest: Digest;
  readonly platform: Platform;
}

/** No inputs. The empty root file system. */
export interface ScratchOperation {
  readonly kind: 'scratch';
}

/** No inputs. The files of the build context that the ignore file leaves. */
export interface ContextOperation {
  readonly kind: 'context';
}

/** Input: the root file system it runs in. */
export interface RunOperation {
  readonly kind: 'run';
  readonly argv: readonly [string, ...string[]];
  /** `NAME=value`, in order; without HOME, which comes from the image's /etc/passwd, and without proxy variables. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** As USER has it: `name`, `uid`, `name:group`…; empty for root. */
  readonly user: string;
  readonly network: 'host' | 'none';
}

/** Inputs: the root file system copied into, and the one (or the context) copied from. */
export interface CopyOperation {
  readonly kind: 'copy';
  readonly keyword: 'COPY' | 'ADD';
  /** Whether the second input is the build context: its files get owner 0:0, those of a stage keep theirs. */
  readonly fromContext: boolean;
  /** Patterns in the language of Go's filepath.Match, normalised, without leading slash; `` for the root itself. */
  readonly sources: readonly string[];
  /** Absolute; ends in a slash exactly when it must be a directory. */
  readonly destination: string;
  /** `user[:group]`, names or numbers, not yet looked up. */
  readonly chown?: string;
  /** Octal digits. */
  readonly chmod?: string;
}

/** Input: the root file system in which the directory is made, with its missing parents, unless it exists. */
export interface WorkdirOperation {
  readonly kind: 'workdir';
  /** Absolute and normalised. */
  readonly path: string;
  /** Owner of what is made, as USER has it; empty for root. */
  readonly user: string;
}
