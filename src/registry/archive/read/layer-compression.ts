import { archiveInvalid } from '../archive-error.js';

export type LayerCompression = 'none' | 'gzip' | 'zstd' | 'xz';

/**
 * By content: an archive does not say how a layer is compressed, and names mislead.
 * @param magic the first eight bytes
 * @throws `ARCHIVE_INVALID` for a compression that is not read
 */
export function layerCompression(magic: Buffer): LayerCompression {
  const compression = knownCompression(magic);
  if (compression !== 'bzip2') return compression;
  throw archiveInvalid('a layer in it is compressed with bzip2', {
    hint: 'Load it with docker and save it there again: Docker writes layers without compression.',
  });
}

/** As `layerCompression`, of bytes that may be no layer. */
export function isCompressed(magic: Buffer): boolean {
  return knownCompression(magic) !== 'none';
}

function knownCompression(magic: Buffer): LayerCompression | 'bzip2' {
  const start = magic.toString('hex');
  if (start.startsWith('1f8b')) return 'gzip';
  // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or a skippable one before it.
  if (/^(28b52ffd|5[0-9a-f]2a4d18)/.test(start)) return 'zstd';
  if (start.startsWith('fd377a585a00')) return 'xz';
  return start.startsWith('425a68') ? 'bzip2' : 'none';
}
