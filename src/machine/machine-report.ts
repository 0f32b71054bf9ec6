import type { IsolationTrial } from '../sandbox/try-isolations.js';

/** What a machine has for building, found by trying where that is possible. Plain data, as `tsbuild info --format json` prints it. */
export interface MachineReport {
  readonly versions: {
    readonly tsbuild: string;
    readonly node: string;
    /** Of the kernel, as uname(2) has it. */
    readonly kernel: string;
    readonly architecture: string;
  };
  readonly processors: number;
  readonly user: { readonly uid: number; readonly name: string | null; readonly ids: IdFacts };
  readonly isolation: {
    /** What steps are run with unless another is chosen; `null`: no step can be run. */
    readonly used: IsolationTrial['name'] | null;
    readonly trials: readonly IsolationTrial[];
  };
  readonly store: StoreFacts;
  readonly cgroup: CgroupFacts;
  /** Where each program is that is of use, or `null`. */
  readonly programs: Readonly<Record<string, string | null>>;
  /** Variables of proxies, without what they have of credentials. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly kernel: KernelFacts;
  readonly emulators: EmulatorFacts;
  readonly registries: {
    /** Files and folders that say something of registries, and are there. */
    readonly files: readonly string[];
    /** Why they cannot be told. */
    readonly problem: string | null;
  };
}

/** How the ids of images are had: the host's own, ranges of a user's, one, or none as no user namespace can be made. */
export interface IdFacts {
  readonly kind: 'host' | 'full' | 'single' | 'forbidden';
  /** How many there are. */
  readonly count: number;
  readonly reason: string | null;
  readonly remedy: string | null;
}

export interface StoreFacts {
  /** Absolute. */
  readonly root: string;
  readonly exists: boolean;
  readonly fileSystem: string;
  readonly freeBytes: number;
  /** How a step's root file system is made of layers; `null` where no step can be run. */
  readonly rootfs: 'images' | 'overlay' | 'copies' | null;
  /** What its file system, or the user's rights there, lack. */
  readonly lacks: readonly string[];
}

export interface CgroupFacts {
  readonly version: 'v2' | 'v1' | 'hybrid' | 'none';
  /** Controllers with which this user may limit what it starts. */
  readonly delegated: readonly string[];
}

export interface KernelFacts {
  readonly seccompFilters: boolean;
  /** Whether this process is itself under a filter, as in most containers. */
  readonly filtered: boolean;
  readonly apparmor: boolean;
  /** Whether this user may open /dev/net/tun, which private networks need. */
  readonly tunDevice: boolean;
  /** Settings that forbid user namespaces to ordinary users, by name; `null`: this kernel has no such setting. */
  readonly settings: Readonly<Record<string, string | null>>;
}

/** Of programs for other machines (binfmt_misc). */
export interface EmulatorFacts {
  readonly mounted: boolean;
  /** Other platforms that steps can run for: by what is registered for all root file systems, or by what a step can register. */
  readonly platforms: readonly string[];
  /** Names of those that are switched on, such as `qemu-aarch64`. */
  readonly enabled: readonly string[];
}
