export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

const MAGIC: readonly (readonly [format: Compression, magic: string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
];

/** How a file is compressed, by its first 6 bytes; `undefined` when it is not, or in a way nobody here knows. */
export function compressionOf(head: Buffer): Compression | undefined {
  const hex = head.toString('hex', 0, 6);
  const known = MAGIC.find(([, magic]) => hex.startsWith(magic))?.[0];
  return known ?? (isSkippableFrame(head.subarray(0, 4)) ? 'zstd' : undefined);
}

/** RFC 8878 section 3.1.2: frames that hold no content. zstd:chunked and the seekable format have their tables there. */
export function isSkippableFrame(magic: Buffer): boolean {
  return magic.length === 4 && (magic.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50;
}
