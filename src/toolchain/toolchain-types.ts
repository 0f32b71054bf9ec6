import type { ActivityOptions } from './activity-options.js';
import type { BuildRequest, BuildResult, ContextFile } from '../builder/build-request.js';
import type { ImageRunRequest } from '../builder/image-run/image-run-request.js';
import type { OpenVisit } from '../builder/visit.js';
import type { RunResult } from '../sandbox/sandbox.js';
import type { CheckResult } from '../builder/check/check-dockerfile.js';
import type { Outline } from '../builder/outline/outline.js';
import type { BuildExplanation } from '../builder/explain/build-explanation.js';
import type { BuildPlan } from '../builder/plan.js';
import type { CacheTarget } from './outputs/cache-target.js';
import type { BuildOutput } from './outputs/build-output.js';
import type { ImageFiles } from '../layers/compare/image-files.js';
import type { Digest } from '../oci/digest.js';
import type { RawConfig, RawManifest } from '../oci/image.js';
import type { RegistrySettings } from '../registry/config/registry-settings.js';
import type { ImageLocation } from '../registry/copy/image-location.js';
import type { StoredImage } from '../store/image-store.js';
import type {
  CheckStoreOptions,
  DiskUsage,
  PrunedCacheMount,
  PruneResult,
  PruneStoreOptions,
  Removal,
  StoreFinding,
} from './care/store-care-types.js';

export interface ToolchainOptions {
  /** Absolute path of the store; made when it is missing. */
  readonly storeRoot: string;
  /** Absolute paths of stores that are only read, such as one that an administrator keeps: what they have is not fetched. */
  readonly additionalStores?: readonly string[] | undefined;
  /** Bytes that the build cache may take: what was not used for the longest time goes after a build. No limit unless given. */
  readonly keepStorage?: number | undefined;
  /** Told of what is passed over in additional stores. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** The caller's environment: proxies, registry and credential configuration are read from it, nothing else. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What counts before all that the environment and the files of the machine say of registries. */
  readonly registries?: RegistrySettings | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface RunImageOptions extends ActivityOptions {
  /** Gives what the program is attached to, when all is ready to start it; disposed of when it has ended. */
  readonly openVisit: OpenVisit;
}

export interface BuildOptions extends ActivityOptions {
  /** Who is let into the sandbox of a RUN that failed, before the build ends with its error; absent: nobody. */
  readonly openVisit?: OpenVisit | undefined;
  /** Where the result goes, one after another; absent: into the store. */
  readonly outputs?: readonly BuildOutput[] | undefined;
  /** Where its steps go for other builds to find, once the outputs are written; absent: nowhere. */
  readonly cacheTo?: readonly CacheTarget[] | undefined;
}

/** One of several builds, and where its result and its steps go; as of `BuildOptions`. */
export interface BuildTask {
  /** Of the first one count how many steps are at work at once, and how they are kept apart from the machine: for all. */
  readonly request: BuildRequest;
  readonly outputs?: readonly BuildOutput[] | undefined;
  readonly cacheTo?: readonly CacheTarget[] | undefined;
}

export type BuildAllOptions = Omit<BuildOptions, 'outputs' | 'cacheTo'>;

/** An image with its documents; all sizes are bytes. */
export interface ImageDetails {
  readonly image: StoredImage;
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  /** All names of the image with this config, sorted. */
  readonly names: readonly string[];
  /** What registries have it as: `repository@digest`, for each repository that it was pulled from or pushed to, sorted. */
  readonly repoDigests: readonly string[];
  /** Of the uncompressed layers where it is known, else of the blobs. */
  readonly size: number;
}

export interface PulledImage {
  readonly name: string;
  /** What the registry resolved the name to. */
  readonly digest: Digest;
  /** Whether anything was new. */
  readonly changed: boolean;
}

export interface PullOptions extends ActivityOptions {
  /** `os/architecture[/variant]`; absent: this machine's. */
  readonly platform?: string | undefined;
  /** Everything that the name's index lists, to be pushed as it is; not together with `platform`. */
  readonly allPlatforms?: boolean | undefined;
}

export interface PushOptions extends ActivityOptions {
  /** Of a name pulled with `allPlatforms`, the image for this platform alone. */
  readonly platform?: string | undefined;
  /** All layers are sent compressed so; absent: as they are, and as gzip those that were built here. */
  readonly compression?: 'gzip' | 'zstd' | undefined;
  /** Of layers that are compressed for it: 0 to 9 of gzip, which is 6 unless given; 1 to 22 of zstd, which is 3. */
  readonly compressionLevel?: number | undefined;
  /** Whether layers that are compressed so already are compressed anew, at that level. */
  readonly forceCompression?: boolean | undefined;
  /** Media types of the manifest and what it names; absent: as they are. Docker's know no zstd. */
  readonly format?: 'docker' | 'oci' | undefined;
}

export interface PushedImage {
  readonly name: string;
  /** Of the manifest or index, as it is in the registry now; `size` in bytes. */
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export type ArchiveFormat = 'docker-archive' | 'oci-archive';

export interface SaveOptions extends ActivityOptions {
  /** `docker-archive`, which every reader takes, unless given. */
  readonly format?: ArchiveFormat | undefined;
  /** `os/architecture[/variant]` each, or `all` that an index lists; absent: what the name stands for in the store. */
  readonly platforms?: readonly string[] | 'all' | undefined;
  /** How layers are compressed; absent: as they are kept. */
  readonly compress?: 'none' | 'gzip' | 'zstd' | undefined;
  /** As of `PushOptions`, of layers that are compressed for it. */
  readonly compressionLevel?: number | undefined;
  /** What the receiver has, and the archive does without: names of images, or absolute paths of archives and layouts. */
  readonly since?: readonly string[] | undefined;
}

export interface SaveFilesOptions extends Omit<SaveOptions, 'format'> {
  /** `oci-dir` is a folder that is an OCI layout; images are added to one that is there. */
  readonly format?: ArchiveFormat | 'oci-dir' | undefined;
  /** Absolute. */
  readonly output: string;
  /** Bytes of the parts that an archive is cut into: `<output>.001` and so on. */
  readonly splitBytes?: number | undefined;
  /** Whether the digests of the files are kept in the `SHA256SUMS` of their folder; those of parts always are. */
  readonly checksums?: boolean | undefined;
}

export interface SavedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export interface LoadOptions extends ActivityOptions {
  /** `os/architecture[/variant]`: the variant to load of an image for several. */
  readonly platform?: string | undefined;
  /** What a stream is called in messages, as in `cannot read the archive on the standard input: …`. */
  readonly streamName?: string | undefined;
}

export interface CopyOptions extends ActivityOptions {
  /** `os/architecture[/variant]` each, or `all` that an index lists; absent: this machine's. */
  readonly platforms?: readonly string[] | 'all' | undefined;
}

export interface ImageFilesOptions extends ActivityOptions {
  /** `os/architecture[/variant]`; absent: what the name stands for in the store, elsewhere this machine's. */
  readonly platform?: string | undefined;
}

export interface CopiedImage {
  /** Of the manifest or index, as it is at the destination now. */
  readonly digest: Digest;
}

export interface LoadedImage {
  readonly name: string | null;
  readonly imageId: Digest;
}

export interface BootstrapRequest {
  readonly tag: string;
  /** Programs beside the shell and coreutils: names looked up in PATH, or absolute paths. */
  readonly include: readonly string[];
}

export interface PruneOptions extends ActivityOptions {
  /** Only tells what would go. */
  readonly dryRun?: boolean | undefined;
}

export interface FetchContextOptions extends ActivityOptions {
  /** Whether a git repository comes with its `.git`, where its address does not say so itself. */
  readonly keepGitDir?: boolean | undefined;
  /** Of a build: GIT_AUTH_TOKEN and GIT_AUTH_HEADER say who asks for a repository. */
  readonly secrets?: BuildRequest['secrets'] | undefined;
  /** Of a build: what may be fetched, and what in its place. */
  readonly sourcePolicies?: BuildRequest['sourcePolicies'];
}

/**
 * The one place that picks implementations and puts them together: a store, a registry client, a sandbox, a builder.
 * Names are taken as users write them (`debian`, `myid-yo/test:1`, an image id or a prefix of one where an image is meant).
 * Every method @throws `TsbuildError`s; nothing is half done when one throws.
 */
export interface Toolchain extends AsyncDisposable {
  build(request: BuildRequest, options?: BuildOptions): Promise<BuildResult>;
  /**
   * Several builds in one graph: what they have in common is done once, and the first failure stops all. Outputs and caches follow
   * when everything is built, in order. @returns a result for each, in their order
   */
  buildAll(tasks: readonly BuildTask[], options?: BuildAllOptions): Promise<readonly BuildResult[]>;
  /** What `build` would do, without doing it; base images are looked up, their layers are not fetched. */
  plan(request: BuildRequest, options?: ActivityOptions): Promise<BuildPlan>;
  /** Which steps `build` would do, and what has changed since they were last done; nothing is done. */
  explain(request: BuildRequest, options?: ActivityOptions): Promise<BuildExplanation>;
  /** Which steps `buildAll` would do, in one graph. */
  explainAll(requests: readonly BuildRequest[], options?: ActivityOptions): Promise<BuildExplanation>;
  /**
   * Brings a build context here that is elsewhere: a git repository, an archive or a lone Dockerfile behind a URL.
   * @returns `undefined` when the address is that of a folder
   */
  fetchContext(address: string, options?: FetchContextOptions): Promise<ContextFile | undefined>;
  /** Takes a tar archive, compressed or not, for a build context; it is kept until the toolchain is disposed of. */
  unpackContext(source: AsyncIterable<Uint8Array>, options?: ActivityOptions): Promise<ContextFile>;
  /** A small file of such a context, links followed within it; `undefined` when there is none. */
  readContextFile(context: ContextFile, path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** What BuildKit's linter and our own rules say of the Dockerfile; base images are looked up, nothing is built. */
  check(request: BuildRequest, options?: ActivityOptions): Promise<CheckResult>;
  /** What a build of the request's target can be given: arguments, secrets, agents; base images are looked up, nothing is built. */
  outline(request: BuildRequest, options?: ActivityOptions): Promise<Outline>;
  /**
   * Runs a program of an image in a sandbox, in the foreground, over files that are thrown away.
   * @throws `USAGE`; `SANDBOX_UNAVAILABLE`, `SANDBOX_FAILED`; `ABORTED`
   */
  runImage(request: ImageRunRequest, options: RunImageOptions): Promise<RunResult>;
  pull(name: string, options?: PullOptions): Promise<PulledImage>;
  push(name: string, options?: PushOptions): Promise<PushedImage>;
  /** An archive that docker load, podman load and skopeo read. Deterministic. */
  save(names: readonly string[], options?: SaveOptions): Promise<AsyncIterable<Uint8Array>>;
  /** The same in files, which are there whole or not at all. @returns what was written; nothing for a folder or a pipe */
  saveFiles(names: readonly string[], options: SaveFilesOptions): Promise<readonly SavedFile[]>;
  /**
   * @param source an archive; or absolute paths: of one in a file, of the first part of one or of all parts, or of a folder that
   * is an OCI layout
   * @returns the names loaded, or the ids of images without one
   */
  load(source: AsyncIterable<Uint8Array> | readonly string[], options?: LoadOptions): Promise<readonly LoadedImage[]>;
  /** Copies an image between registry, store, archive and OCI layout without unpacking it (`parseImageLocation`). */
  copy(from: ImageLocation, to: ImageLocation, options?: CopyOptions): Promise<CopiedImage>;
  /** The files of an image without unpacking it, whose layers are indexed first where they are not; to be disposed of. */
  imageFiles(location: ImageLocation, options?: ImageFilesOptions): Promise<ImageFiles>;
  /** @param options.onLost is given those whose manifest or config is damaged or gone; without it, they make the call fail */
  images(options?: { readonly onLost?: (image: StoredImage) => void }): Promise<readonly ImageDetails[]>;
  /** @throws `IMAGE_NOT_FOUND`; `USAGE` when a prefix fits several */
  image(name: string): Promise<ImageDetails>;
  tag(name: string, target: string): Promise<void>;
  remove(name: string, options?: { readonly force?: boolean }): Promise<readonly Removal[]>;
  /** Removes the directories of `RUN --mount=type=cache`, once no build uses the store. @returns them, sorted by id */
  pruneCacheMounts(options?: PruneOptions): Promise<readonly PrunedCacheMount[]>;
  /**
   * The files of a cache mount as a tar, the same bytes for the same files; no step uses it until the last is taken.
   * @param id as `pruneCacheMounts` gives it
   */
  exportCacheMount(id: string, options?: ActivityOptions): AsyncIterable<Uint8Array>;
  /** Puts the files of a tar, compressed or not, in the place of those that a cache mount has, or makes it: whole, or not at all. */
  importCacheMount(id: string, tar: AsyncIterable<Uint8Array>, options?: ActivityOptions): Promise<void>;
  /** What takes how much of the store, and what of it could go. */
  diskUsage(options?: ActivityOptions): Promise<DiskUsage>;
  /** Removes images without a name, what nothing needs, and what more the options name, once nobody uses the store. */
  prune(options?: PruneStoreOptions): Promise<PruneResult>;
  /** Everything in the store that is not as it should be; nothing for a sound one. */
  checkStore(options?: CheckStoreOptions): Promise<readonly StoreFinding[]>;
  /** Makes a base image out of the running host's own programs. */
  bootstrap(request: BootstrapRequest, options?: ActivityOptions): Promise<BuildResult>;
}
