/**
 * Where a sandbox gets its root file system from. `overlay` is mounted inside the sandbox's own mount namespace and dies with
 * it; `directory` is used as it is. Paths are absolute.
 */
export type Rootfs =
  | {
      readonly kind: 'overlay';
      /** Topmost first, as overlayfs wants them. May be empty. */
      readonly lowers: readonly string[];
      readonly upper: string;
      readonly work: string;
    }
  | { readonly kind: 'directory'; readonly path: string };

export type Mount =
  | {
      readonly type: 'bind';
      /** Absolute, on the host. */
      readonly source: string;
      /** Absolute, in the root file system; resolved inside it. */
      readonly target: string;
      readonly readonly: boolean;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number };

/** One process to run apart. Nothing is inherited from this process: what is not named here is not there. */
export interface RunSpec {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, in the root file system; it exists. */
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  readonly rootfs: Rootfs;
  readonly mounts: readonly Mount[];
  /** `none` leaves a loopback device only. */
  readonly network: 'none' | 'host';
  readonly hostname: string;
}
