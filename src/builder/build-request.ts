import type { SourcePolicy } from './policy/policy-rules.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import type { IndexMediaType, LayerMediaType, ManifestMediaType } from '../oci/media-type.js';
import type { RemoteBlob } from '../registry/remote-blobs.js';
import type {
  Allowance,
  DeviceMount,
  HostEntry,
  NameResolution,
  ResourceLimit,
  StepNetwork,
} from '../sandbox/run-spec.js';
import type { IsolationName } from '../sandbox/sandbox.js';

import type { BlobPlace } from '../registry/blob-place.js';
import type { CachedMount } from './cache/cached-mount.js';
import type { CachedStep } from './cache/cached-step.js';
import type { LockRequest, Pins } from './lock/pins.js';

/** What to build. Plain data: it crosses process boundaries. */
export interface BuildRequest {
  /** The text of the Dockerfile and the name it goes by in messages. */
  readonly dockerfile: { readonly name: string; readonly text: string };
  /** Absolute path of the folder that COPY and ADD read, or `null` for none (Dockerfile on stdin). */
  readonly contextDirectory: string | null;
  /** The text of the ignore file that applies, or `null`. */
  readonly ignore: { readonly name: string; readonly text: string } | null;
  /** A build context that is no folder; `contextDirectory` and `ignore` are `null` then. */
  readonly contextFile?: ContextFile | undefined;
  /** What stands for stages, base images and `--from` by their names; absent: nothing. */
  readonly namedContexts?: readonly NamedContext[] | undefined;
  /** Of one of several builds: what steps of it are shown with, and what named contexts of builds after it call its result. */
  readonly called?: string | undefined;
  /** Names for the result, as a user writes them. */
  readonly tags: readonly string[];
  /** `name=value` for the image's manifest (image-spec annotations.md); absent: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Annotations of single documents among the result's; absent: none. */
  readonly placedAnnotations?: readonly PlacedAnnotation[] | undefined;
  /** What becomes of the result; absent: an image. */
  readonly wanted?: readonly WantedResult[] | undefined;
  /** Where steps are looked for that the store does not know, in this order; absent: nowhere. */
  readonly cacheFrom?: readonly CacheSource[] | undefined;
  /** Whether the image config says which steps made its layers, so that the image serves as a cache. */
  readonly inlineCache?: boolean | undefined;
  /** Whether the result says which steps it is made of, for a cache. */
  readonly wantsSteps?: boolean | undefined;
  /** Whether events also tell of the graph, of why steps were not found, and of layers; absent: no. */
  readonly details?: boolean | undefined;
  /** Whether the result says which cache mounts its steps have, for a cache. */
  readonly wantsMounts?: boolean | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** A stage's name or number; absent: the last stage. */
  readonly target?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether all layers beyond the base image's become one. */
  readonly squash?: boolean | undefined;
  readonly noCache: boolean;
  /** Milliseconds: steps that were done longer ago are done anew; absent: however old they are. */
  readonly cacheTtlMs?: number | undefined;
  /** Whether the stages that the result is made of become images, too. */
  readonly saveStages?: boolean | undefined;
  /** Stages, by name or number, whose steps are done anew even when the cache has them; absent: none. */
  readonly noCacheFilter?: readonly string[] | undefined;
  /** Whether every step is done a second time, to see that it gives the same layer; implies `noCache`. */
  readonly checkReproducible?: boolean | undefined;
  /** How many steps may be at work at once; absent: as many as there are processors, and 4 at least. */
  readonly jobs?: number | undefined;
  /** How RUN steps are kept apart from the machine; absent: as well as it allows. */
  readonly isolation?: 'auto' | IsolationName | undefined;
  /**
   * Ask the registry for a newer image behind each FROM even when the store has one; `newer`: do with that one when the registry
   * cannot be reached; `never`: use no image but those of the store.
   */
  readonly pull: boolean | 'newer' | 'never';
  /** What of the sources is pinned; absent: nothing is, and nothing is told of them. */
  readonly lock?: LockRequest | undefined;
  /** Name of an index in the store, which is made or gets the images added; the result is then kept in the store, too. */
  readonly manifestList?: string | undefined;
  /** What images, URLs and repositories may be taken from, and what in their place; absent: from everywhere. */
  readonly sourcePolicies?: readonly SourcePolicy[] | undefined;
  /** Of the RUN steps that do not choose. */
  readonly network: StepNetwork;
  /** `os/architecture[/variant]`; absent: this machine's. */
  readonly platform?: string | undefined;
  /**
   * Of an image for several platforms: all of them, two at least, in the order of its index. `platform` is absent then, but in the
   * part of the build that is for one of them.
   */
  readonly platforms?: readonly string[] | undefined;
  /** Seconds since 1970, for every time that goes into the image (reproducible-builds.org). */
  readonly sourceDateEpoch?: number | undefined;
  /** Of the files in layers that are built, where there is such a time; absent: bounded. */
  readonly fileTimes?: FileTimes | undefined;
  /** Proxy variables of the caller's environment: given to RUN, kept out of keys, history and image (dockerfile.md 24). */
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** Values by id, for `RUN --mount=type=secret`. Kept in memory, and out of keys, records, layers and messages. */
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  /** What answers to `RUN --mount=type=ssh`. */
  readonly ssh: readonly SshSource[];
  /** What steps may ask for beyond the usual: `network.host`, `security.insecure`, `device`, `device=NAME`. */
  readonly entitlements: readonly string[];
  /** Further lines of the steps' /etc/hosts. */
  readonly hosts: readonly HostEntry[];
  /** Whom steps ask for addresses; absent: whom this host asks. As little a part of the cache's keys as that. */
  readonly nameResolution?: NameResolution | undefined;
  /**
   * Folders and files of this host that every RUN has. Where they are and go is part of the cache's keys, what is in them is not;
   * nothing of them gets into a layer.
   */
  readonly volumes?: readonly HostVolume[] | undefined;
  /** Whether steps have the supplementary groups of who builds, and none of the image; in no cache key. */
  readonly keepsGroups?: boolean | undefined;
  readonly limits: readonly ResourceLimit[];
  /** Memory and processor time of each RUN step; no part of the cache's keys. */
  readonly allowance?: Allowance | undefined;
  /** Of /dev/shm; absent: Docker's 64 MiB. */
  readonly shmSizeBytes?: number | undefined;
  /** Folders of CDI specifications, for `RUN --device`; absolute. */
  readonly cdiDirectories: readonly string[];
  /** Given to every RUN, whatever it asks for, by who is at the command line: that is leave enough. In no cache key. */
  readonly devices?:
    | {
        readonly mounts: readonly DeviceMount[];
        /** As the Container Device Interface has them. */
        readonly names: readonly string[];
      }
    | undefined;
}

export interface PlacedAnnotation {
  /** Which document: the index, a manifest, or the entry of a manifest in the index. */
  readonly place: 'index' | 'manifest' | 'manifest-descriptor';
  /** Of the image for this platform alone; absent: of all. */
  readonly platform?: string | undefined;
  readonly name: string;
  readonly value: string;
}

/**
 * `image`: in the store, whole. `pushed`: its documents, for a registry; the store gets the image only if it has the layers
 * anyhow. `files`: all its files in one tar.
 */
export type WantedResult = 'image' | 'pushed' | 'files';

/** `bounded`: none is later than the epoch. `kept`: as the steps made them. `all`: each is the epoch. */
export type FileTimes = 'bounded' | 'kept' | 'all';

/** A cache that another build has exported. */
export type CacheSource =
  /** A name as FROM takes it: of a cache, or of an image with a cache in it. */
  | { readonly kind: 'registry'; readonly reference: string }
  /** An OCI image layout; absolute path. Absent: the tag `latest`. */
  | {
      readonly kind: 'local';
      readonly directory: string;
      readonly tag?: string | undefined;
      readonly digest?: Digest | undefined;
    };

/** A build context in one file on this host, which must stay as it is for the time of the build. */
export type ContextFile =
  /** A tar archive that is not compressed. The owners in it count, and no ignore file does, as with BuildKit. */
  | { readonly kind: 'archive'; readonly path: string }
  /** A context of this one file; `modified` in seconds since 1970. */
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly modified: number };

/** Paths are absolute; `target` is in the root file system of a step, and not its root. */
export interface HostVolume {
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** An agent that steps may have signatures of. */
export interface SshSource {
  readonly id: string;
  /** Absolute paths: the socket of one agent, or files of private keys. */
  readonly paths: readonly string[];
}

/** Where the Container Device Interface has its specifications. */
export const CDI_DIRECTORIES: readonly string[] = ['/etc/cdi', '/var/run/cdi'];

/** A `--build-context`: the name of a stage or an image, maybe with a platform as `name::os/architecture`, and its place. */
export interface NamedContext {
  readonly name: string;
  readonly source: ContextSource;
}

export type ContextSource =
  | { readonly kind: 'directory'; readonly directory: string; readonly ignore: BuildRequest['ignore'] }
  /** A name as FROM takes it. */
  | { readonly kind: 'image'; readonly reference: string }
  /** An OCI image layout: the image whose name there is `tag`, or that of the digest. */
  | { readonly kind: 'layout'; readonly directory: string; readonly tag: string; readonly digest?: Digest }
  /** A git repository, or a file behind a URL. */
  | { readonly kind: 'remote'; readonly address: string }
  /** The result of a build before this one, in the same call. */
  | { readonly kind: 'build'; readonly called: string };

export interface BuildResult {
  /**
   * Digest of the image config: what Docker calls the image's id. Of several platforms, this machine's counts, or else the first;
   * so it is with `manifest`.
   */
  readonly imageId: Digest;
  readonly manifest: Descriptor<ManifestMediaType>;
  /** Of an image for several platforms: what its names stand for. */
  readonly index?: Descriptor<IndexMediaType> | undefined;
  /** And with it one for each platform, in their order. */
  readonly images?: readonly PlatformImage[];
  /** What the image is for; of several, what `imageId` and `manifest` are for. */
  readonly platform: string;
  /** Whether the store has the image: not where none was wanted. */
  readonly stored: boolean;
  /** Set when the store has its manifest and config for a push, and not the image: some of its layers are elsewhere. */
  readonly forPush?: true | undefined;
  /** The index that it was added to, as a normalised name, and how many images that has now. */
  readonly manifestList?: { readonly name: string; readonly digest: Digest; readonly images: number } | undefined;
  /** Normalised names that the image has now. */
  readonly names: readonly string[];
  /** Where they were to be kept, the stages that the result is made of; without names where the result has none. */
  readonly stages?: readonly { readonly stage: string; readonly imageId: Digest; readonly names: readonly string[] }[];
  /** What outputs have pushed, as the registries have it: other bytes than `manifest` where layers were compressed on the way. */
  readonly pushed?:
    | readonly { readonly name: string; readonly mediaType: string; readonly digest: Digest; readonly size: number }[]
    | undefined;
  /** Where files were wanted: an uncompressed tar in the store, that a collector may remove once the build is over. */
  readonly files?: Descriptor<LayerMediaType> | undefined;
  readonly steps: { readonly total: number; readonly cached: number };
  /** Cache mounts of its steps, by id. */
  readonly cacheMounts?: readonly UsedCacheMount[] | undefined;
  /** What the sources were, where a lock was to be refreshed. */
  readonly pins?: Pins | undefined;
  /** Layers of the result that the store lacks, and where they are. */
  readonly elsewhere?: readonly RemoteBlob[] | undefined;
  /** Where they were asked for, the steps of the build. */
  readonly cache?: readonly CachedStep[] | undefined;
}

/** A cache mount that steps of a build have. */
export interface UsedCacheMount {
  readonly id: string;
  /** What imported caches have of it, whether or not it was needed. */
  readonly imported: readonly { readonly mount: CachedMount; readonly place: BlobPlace }[];
}

export interface PlatformImage {
  /** `os/architecture[/variant]` */
  readonly platform: string;
  readonly imageId: Digest;
  readonly manifest: Descriptor<ManifestMediaType>;
  /** As of `BuildResult`. */
  readonly files?: Descriptor<LayerMediaType> | undefined;
}

/** A request with what is usual for all that is not given. */
export function buildRequest(given: Pick<BuildRequest, 'dockerfile'> & Partial<BuildRequest>): BuildRequest {
  return {
    contextDirectory: null,
    ignore: null,
    tags: [],
    buildArgs: {},
    labels: {},
    noCache: false,
    pull: false,
    network: 'host',
    proxyEnv: {},
    secrets: {},
    ssh: [],
    entitlements: [],
    hosts: [],
    limits: [],
    cdiDirectories: CDI_DIRECTORIES,
    ...given,
  };
}
