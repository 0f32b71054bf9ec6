interface Exported {
  /** `min`: the steps whose layers the result has. `max`: all that were needed on the way. */
  readonly mode: 'min' | 'max';
  /** How layers are compressed that are kept uncompressed, or with `force` all; absent: gzip. */
  readonly compression?: 'gzip' | 'zstd' | 'none' | undefined;
  readonly compressionLevel?: number | undefined;
  readonly force?: boolean | undefined;
  /** Cache mounts of the build that go along: all, or those of these ids; absent: none. */
  readonly mounts?: 'all' | readonly string[] | undefined;
  /** Whether a failure to write it fails the build, and is not only told. */
  readonly mustSucceed?: boolean | undefined;
}

/** Where the steps of a build go for other builds to find (docs/cache.md). */
export type CacheTarget =
  /** A name as FROM takes it. */
  | (Exported & { readonly type: 'registry'; readonly reference: string })
  /** A folder that is an OCI image layout, or becomes one; absolute path. */
  | (Exported & { readonly type: 'local'; readonly directory: string; readonly tag: string });
