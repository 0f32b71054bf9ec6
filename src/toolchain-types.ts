import type { BuildRequest, BuildResult, ContextFile } from './builder/build-request.js';
import type { BuildPlan } from './builder/plan.js';
import type { ProgressSink } from './builder/progress.js';
import type { Digest } from './oci/digest.js';
import type { RawConfig, RawManifest } from './oci/image.js';
import type { StoredImage } from './store/image-store.js';

export interface ToolchainOptions {
  /** Absolute path of the store; made when it is missing. */
  readonly storeRoot: string;
  /** The caller's environment: proxies, registry and credential configuration are read from it, nothing else. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface ActivityOptions {
  readonly progress?: ProgressSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An image with its documents; all sizes are bytes. */
export interface ImageDetails {
  readonly image: StoredImage;
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  /** All names of the image with this config, sorted. */
  readonly names: readonly string[];
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
}

export interface PushedImage {
  readonly name: string;
  /** Digest and size of the manifest, as it is in the registry now. */
  readonly digest: Digest;
  readonly size: number;
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

/** What `rmi` did, in order, as Docker prints it. */
export type Removal =
  { readonly kind: 'untagged'; readonly name: string } | { readonly kind: 'deleted'; readonly digest: Digest };

/**
 * The one place that picks implementations and puts them together: a store, a registry client, a sandbox, a builder.
 * Names are taken as users write them (`debian`, `myid-yo/test:1`, an image id or a prefix of one where an image is meant).
 * Every method @throws `TsbuildError`s; nothing is half done when one throws.
 */
export interface Toolchain extends AsyncDisposable {
  build(request: BuildRequest, options?: ActivityOptions): Promise<BuildResult>;
  /** What `build` would do, without doing it; base images are looked up, their layers are not fetched. */
  plan(request: BuildRequest, options?: ActivityOptions): Promise<BuildPlan>;
  /**
   * Brings a build context here that is elsewhere: a git repository, an archive or a lone Dockerfile behind a URL.
   * @returns `undefined` when the address is that of a folder
   */
  fetchContext(address: string, options?: ActivityOptions): Promise<ContextFile | undefined>;
  /** Takes a tar archive, compressed or not, for a build context; it is kept until the toolchain is disposed of. */
  unpackContext(source: AsyncIterable<Uint8Array>, options?: ActivityOptions): Promise<ContextFile>;
  /** A small file of such a context, links followed within it; `undefined` when there is none. */
  readContextFile(context: ContextFile, path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  pull(name: string, options?: PullOptions): Promise<PulledImage>;
  push(name: string, options?: ActivityOptions): Promise<PushedImage>;
  /** An archive that docker load, podman load and skopeo read. Deterministic. */
  save(names: readonly string[], options?: ActivityOptions): Promise<AsyncIterable<Uint8Array>>;
  /** @returns the names loaded, or the ids of images without one */
  load(source: AsyncIterable<Uint8Array>, options?: ActivityOptions): Promise<readonly LoadedImage[]>;
  images(): Promise<readonly ImageDetails[]>;
  /** @throws `IMAGE_NOT_FOUND`; `USAGE` when a prefix fits several */
  image(name: string): Promise<ImageDetails>;
  tag(name: string, target: string): Promise<void>;
  remove(name: string, options?: { readonly force?: boolean }): Promise<readonly Removal[]>;
  /** Makes a base image out of the running host's own programs. */
  bootstrap(request: BootstrapRequest, options?: ActivityOptions): Promise<BuildResult>;
}
