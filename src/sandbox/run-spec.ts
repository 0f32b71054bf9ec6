/** A layer that is mounted from its tar, in a sandbox whose `images` says that it can. Paths are absolute. */
export interface LayerImage {
  /** An image of the file system EROFS: what is where in the tar, which is its one extra device. */
  readonly metadata: string;
  readonly tar: string;
}

/**
 * Where a sandbox gets its root file system from. `overlay` is mounted inside the sandbox's own mount namespace and dies with
 * it; `directory` is used as it is. Paths are absolute.
 */
export type Rootfs =
  | {
      readonly kind: 'overlay';
      /** Directories and images of layers, topmost first, as overlayfs wants them. May be empty. */
      readonly lowers: readonly (string | LayerImage)[];
      readonly upper: string;
      readonly work: string;
    }
  | { readonly kind: 'directory'; readonly path: string };

/** What is added to the root file system for the run, in order: what comes later may lie in what came before. */
export type Mount = BindMount | MemoryMount | FileMount | DeviceMount;

/** A file or directory of another file system, without set-user-ID programs and device nodes. */
export interface BindMount {
  readonly type: 'bind';
  /** Where it comes from: links in `path` are resolved in here, whoever made them. */
  readonly source: Rootfs;
  /** Below the source's root; `` for all of it. */
  readonly path: string;
  /** Absolute, in the root file system; resolved inside it. So are all targets. */
  readonly target: string;
  readonly readonly: boolean;
  /** With what is mounted below it; a user namespace may take a directory with such in no other way (mount_namespaces(7)). */
  readonly recursive?: boolean;
}

export interface MemoryMount {
  readonly type: 'tmpfs';
  readonly target: string;
  readonly sizeBytes?: number;
  readonly readonly: boolean;
}

/** A read-only file, kept in memory. */
export interface FileMount {
  readonly type: 'file';
  readonly content: Uint8Array;
  readonly target: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** It must not touch a disk: a sandbox that could only put it there refuses. */
  readonly confidential: boolean;
}

/** A device of the host. */
export interface DeviceMount {
  readonly type: 'device';
  /** Absolute, on the host: a device node, or a link to one. */
  readonly source: string;
  readonly target: string;
  /** Where they are to differ from the host's; as a user namespace can make no nodes, they do not there. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A line of /etc/hosts. */
export interface HostEntry {
  readonly name: string;
  readonly address: string;
}

/**
 * `host` shares the network of this process, `none` leaves a loopback device only. `private`: a network of the step's own from
 * which it reaches what the host reaches, but for what listens on the host's loopback device.
 */
export type StepNetwork = 'host' | 'none' | 'private';

/** Of resolv.conf(5); what is empty stays as the host has it. */
export interface NameResolution {
  /** Addresses. */
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  /** As in a line `options`: `ndots:2`. */
  readonly options: readonly string[];
}

/** What a step may use of the machine, all its processes together (cgroups(7)). Absent: no bound of its own. */
export interface Allowance {
  readonly memoryBytes?: number | undefined;
  /** Memory and swap together; `Infinity`: as much swap as there is. Not below `memoryBytes`, which is there too. */
  readonly memorySwapBytes?: number | undefined;
  /** Of processor time, in each period. */
  readonly cpuQuotaMicroseconds?: number | undefined;
  readonly cpuPeriodMicroseconds?: number | undefined;
  /** Weight against others when processors are scarce, as version 1 of cgroups counts: 1024 is usual, 2 to 262144. */
  readonly cpuShares?: number | undefined;
  /** Lists such as `0-3,8`: processors, and memory nodes, that may be used. */
  readonly processors?: string | undefined;
  readonly memoryNodes?: string | undefined;
}

/** A resource limit of setrlimit(2) for the program and all it starts; `Infinity` for none. */
export interface ResourceLimit {
  /** As prlimit(1) has it: `nofile`. */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** One process to run apart. Nothing is inherited from this process: what is not named here is not there. */
export interface RunSpec {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, in the root file system; it exists. */
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
    /** In the place of `groups`: those of this process, which a user namespace has no names for. */
    readonly keepsGroups?: boolean | undefined;
  };
  readonly rootfs: Rootfs;
  readonly mounts: readonly Mount[];
  readonly network: StepNetwork;
  readonly hostname: string;
  /** Beside localhost. */
  readonly hosts: readonly HostEntry[];
  /** Instead of what the host's resolv.conf says; absent: as that says. */
  readonly nameResolution?: NameResolution | undefined;
  /** Memory and processor time; absent: all there is. */
  readonly allowance?: Allowance | undefined;
  /** Where they are to differ from this process's; none above its hard limits. */
  readonly limits: readonly ResourceLimit[];
  /**
   * Without the walls that protect the machine from the step: every capability of this process, no seccomp filter, device nodes
   * work, /proc and /sys are writable and whole. Namespaces stay.
   */
  readonly privileged: boolean;
  /** Its programs are for another kind of processor, which the sandbox has to see to; only one that `emulates`. */
  readonly emulated?: true | undefined;
  /** The root file system itself cannot be written to; mounts can. */
  readonly readonlyRoot?: true;
}
