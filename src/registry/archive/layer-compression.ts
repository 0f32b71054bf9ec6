import { archiveInvalid } from './archive-error.js';

export type LayerCompression = 'none' | 'gzip' | 'zstd';

/**
 * By content: an archive does not say how a layer is compressed, and names mislead.
 * @param magic the first eight bytes
 * @throws `ARCHIVE_INVALID` for compressions that OCI has no media type for
 */
export function layerCompression(magic: Buffer): LayerCompression {
  const start = magic.toString('hex');
  if (start.startsWith('1f8b')) return 'gzip';
  // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or a skippable one before it.
  if (/^(28b52ffd|5[0-9a-f]2a4d18)/.test(start)) return 'zstd';
  const unknown = start.startsWith('fd377a585a00') ? 'xz' : start.startsWith('425a68') ? 'bzip2' : undefined;
  if (unknown === undefined) return 'none';
  throw archiveInvalid(`a layer in it is compressed with ${unknown}`, {
    hint: 'Load it with docker and save it there again: Docker writes layers without compression.',
  });
}
