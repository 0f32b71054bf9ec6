/** Takes bytes as they come, to their end: a pipe, standard output. */
export type ByteSink = (content: AsyncIterable<Uint8Array>) => Promise<void>;

/** As in `PushOptions`. */
interface PushedAs {
  readonly compression?: 'gzip' | 'zstd' | undefined;
  readonly compressionLevel?: number | undefined;
  readonly forceCompression?: boolean | undefined;
  readonly format?: 'docker' | 'oci' | undefined;
}

/** As in `SaveOptions`. */
export interface SavedAs {
  readonly compress?: 'none' | 'gzip' | 'zstd' | undefined;
  readonly compressionLevel?: number | undefined;
}

/**
 * Where the result of a build goes; several at once give all of them. Paths are absolute. `platformSplit`: whether the files
 * for each platform are in a folder named as `linux_amd64`; absent: if there are several.
 */
export type BuildOutput =
  /** Into the store under its names, and with `push` on to their registries. */
  | { readonly type: 'image'; readonly push?: PushedAs | undefined }
  /** To the registries of its names. The store has the image then only if it has the layers anyhow: none is fetched for that. */
  | { readonly type: 'registry'; readonly push: PushedAs }
  /** An archive with the image under its names, which the store has then, too. */
  | ({
      readonly type: 'archive';
      readonly format: 'docker-archive' | 'oci-archive';
      readonly to: string | ByteSink;
    } & SavedAs)
  /** A folder that is an OCI image layout; images are added to one that is there. */
  | ({ readonly type: 'layout'; readonly folder: string } & SavedAs)
  /** Into the store of a container engine of this machine: dockerd or podman. */
  | { readonly type: 'engine' }
  /** The files of the result's root file system, as an uncompressed tar. */
  | { readonly type: 'tar'; readonly to: string | ByteSink; readonly platformSplit?: boolean | undefined }
  /** The same files, the calling user's own, in a folder that is made when it is missing. */
  | { readonly type: 'local'; readonly folder: string; readonly platformSplit?: boolean | undefined }
  /** Nothing: only the cache has it. */
  | { readonly type: 'cacheonly' };
