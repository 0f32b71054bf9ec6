export type LayerCompression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/**
 * By content: an archive does not say how a layer is compressed, and names mislead.
 * @param magic the first eight bytes
 */
export function layerCompression(magic: Buffer): LayerCompression {
  const start = magic.toString('hex');
  if (start.startsWith('1f8b')) return 'gzip';
  // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or a skippable one before it.
  if (/^(28b52ffd|5[0-9a-f]2a4d18)/.test(start)) return 'zstd';
  if (start.startsWith('fd377a585a00')) return 'xz';
  // "BZh", the size of its blocks, and then a block or the end of the stream.
  return /^425a683[1-9](3141|1772)/.test(start) ? 'bzip2' : 'none';
}
