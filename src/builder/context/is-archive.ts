import { startsTar } from '../../layers/tar/starts-tar.js';
import { BLOCK } from '../../layers/tar/tar-format.js';

const MAGIC: readonly (readonly [name: string, hex: string])[] = [
  ['a gzip archive', '1f8b08'],
  ['a bzip2 archive', '425a68'],
  ['an xz archive', 'fd377a585a00'],
  ['a zstd archive', '28b52ffd'],
];

/** How much of a stream `archiveKind` has to see. */
export const ARCHIVE_HEAD: number = BLOCK;

/** What kind of archive bytes begin, as BuildKit tells it from a Dockerfile: compressed, or with a tar header that holds. */
export function archiveKind(head: Uint8Array): string | undefined {
  const start = Buffer.from(head.subarray(0, BLOCK));
  const compressed = MAGIC.find(([, hex]) => start.subarray(0, hex.length / 2).toString('hex') === hex);
  if (compressed !== undefined) return compressed[0];
  return startsTar(start) ? 'a tar archive' : undefined;
}
