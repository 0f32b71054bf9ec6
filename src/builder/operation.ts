import type { Digest } from '../oci/digest.js';
import type { Platform } from '../oci/platform.js';
import type { DeviceFlag } from '../parser/instruction.js';
import type { HostEntry, ResourceLimit, StepNetwork } from '../sandbox/run-spec.js';

/** What a vertex does. Plain data, complete: two equal operations on equal inputs have equal results. */
export type Operation =
  | ImageOperation
  | ScratchOperation
  | ContextOperation
  | LinkedOperation
  | HttpOperation
  | GitOperation
  | RunOperation
  | CopyOperation
  | WorkdirOperation
  | SquashOperation;

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

/** No inputs. The files of a build context that its ignore file leaves. */
export interface ContextOperation {
  readonly kind: 'context';
  /** Of `--build-context NAME=…`; absent: the main one. */
  readonly name?: string;
}

/** No inputs. The root file system that another build of the same call gives; what it is of is in the joint graph. */
export interface LinkedOperation {
  readonly kind: 'linked';
  /** The number of that build. */
  readonly build: number;
}

/** No inputs. One file at the root of a tree, fetched from a URL. */
export interface HttpOperation {
  readonly kind: 'http';
  /** `http:` or `https:`, as written but for its fragment. */
  readonly url: string;
  /** What the file is called. */
  readonly name: string;
  readonly checksum?: Digest;
}

/** No inputs. The files of one commit of a git repository. */
export interface GitOperation {
  readonly kind: 'git';
  /** What git itself would be given. */
  readonly url: string;
  /** Branch, tag, commit or full ref; absent: the remote's HEAD. */
  readonly ref?: string;
  /** Normalised, without leading slash; absent: the whole tree. */
  readonly subdirectory?: string;
  readonly keepGitDir: boolean;
  /** A commit or a prefix of one, which `ref` must resolve to. */
  readonly checksum?: string;
  readonly skipSubmodules?: true;
  /** The remote is not asked what `ref` is now: `checksum` is the commit. */
  readonly fetchByCommit?: true;
}

/** Inputs: the root file system it runs in, then what its mounts take. */
export interface RunOperation {
  readonly kind: 'run';
  /** What its programs are for, as `os/architecture[/variant]`. */
  readonly platform: string;
  readonly argv: readonly [string, ...string[]];
  /** `NAME=value`, in order; without HOME, which comes from the image's /etc/passwd, and without proxy variables. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** As USER has it: `name`, `uid`, `name:group`…; empty for root. */
  readonly user: string;
  readonly network: StepNetwork;
  readonly security: 'sandbox' | 'insecure';
  readonly mounts: readonly RunMount[];
  readonly devices: readonly DeviceFlag[];
  /** Absent: BuildKit's own. */
  readonly hostname?: string;
  /** Further lines of /etc/hosts. */
  readonly hosts?: readonly HostEntry[];
  readonly limits?: readonly ResourceLimit[];
}

/** Whose file or directory a mount's target is. */
export interface MountOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** What `--mount` adds to a RUN; targets are absolute and normalised, never the root. */
export type RunMount =
  /** `path` of the input with this number; writes, where they are allowed, are thrown away. */
  | {
      readonly type: 'bind';
      readonly target: string;
      readonly input: number;
      readonly path: string;
      readonly readonly: boolean;
    }
  /** A directory that outlives the build. `from`: what it holds when it is made. */
  | ({
      readonly type: 'cache';
      readonly target: string;
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly readonly: boolean;
      readonly from?: { readonly input: number; readonly path: string };
    } & MountOwner)
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number; readonly readonly: boolean }
  /** `target`, `env`, or both: where the secret is to be found. */
  | ({
      readonly type: 'secret';
      readonly id: string;
      readonly target?: string;
      readonly env?: string;
      readonly required: boolean;
    } & MountOwner)
  | ({ readonly type: 'ssh'; readonly id: string; readonly target: string; readonly required: boolean } & MountOwner)
  /** A file or folder of this host. */
  | { readonly type: 'volume'; readonly source: string; readonly target: string; readonly readonly: boolean }
  /** A file with this content, read-only: the script of a heredoc that names its own interpreter. */
  | { readonly type: 'file'; readonly target: string; readonly content: string; readonly mode: number };

/** Inputs: the root file system copied into, then those copied from. */
export interface CopyOperation {
  readonly kind: 'copy';
  readonly keyword: 'COPY' | 'ADD';
  /** Whether paths are of a build context on this host: its files get owner 0:0, those of all other inputs keep theirs. */
  readonly fromContext: boolean;
  /** In the order they are copied. */
  readonly sources: readonly CopySource[];
  /** Absolute; ends in a slash exactly when it must be a directory. */
  readonly destination: string;
  /** `user[:group]`, names or numbers, not yet looked up. */
  readonly chown?: string;
  /** Octal digits, or symbolic as chmod(1) has it. */
  readonly chmod?: string;
  /** The layer is made as if the root file system were empty, and so does not depend on it. */
  readonly link?: true;
  /** Sources keep their paths below the destination. */
  readonly parents?: true;
  /** Patterns of the ignore-file language, relative to each source. */
  readonly exclude?: readonly string[];
  /** ADD: whether archives are unpacked; absent, those of paths are and fetched ones are not. */
  readonly unpack?: boolean;
}

export type CopySource =
  /**
   * A pattern in the language of Go's filepath.Match, normalised, without leading slash; `` for the root itself. With `parents`
   * it is in the ignore-file language, which has `**`, and starts at the folders that `pivot` names by such a pattern.
   */
  | { readonly kind: 'path'; readonly input: number; readonly pattern: string; readonly pivot?: string }
  /** What an `http` or `git` vertex gives: the file of this name, or with an empty one all files. */
  | { readonly kind: 'remote'; readonly input: number; readonly name: string }
  /** A file that the Dockerfile itself holds: mode 0644, owner 0:0. */
  | { readonly kind: 'inline'; readonly name: string; readonly content: string };

/** Input: the root file system in which the directory is made, with its missing parents, unless it exists. */
export interface WorkdirOperation {
  readonly kind: 'workdir';
  /** Absolute and normalised. */
  readonly path: string;
  /** Owner of what is made, as USER has it; empty for root. */
  readonly user: string;
}

/** Inputs: a root file system, and another made of it. What the second has beyond the first becomes one layer. */
export interface SquashOperation {
  readonly kind: 'squash';
}
