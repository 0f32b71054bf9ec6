import type { ByteString } from '../support/byte-string.js';
import type { TarEntry } from './tar-entry.js';

/** One difference between a file system and its parent (image-spec layer.md, "Change Types"). */
export type Change =
  | {
      readonly kind: 'upsert';
      readonly entry: TarEntry;
      /** Content of a file; absent for every other type. May be called once. */
      readonly open?: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    }
  /** Written as a whiteout. */
  | { readonly kind: 'delete'; readonly path: ByteString }
  /** Written as an opaque whiteout: the directory hides all that lower layers have below it. */
  | { readonly kind: 'opaque'; readonly path: ByteString };
