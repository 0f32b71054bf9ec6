import { decompress } from '../../../layers/compression/decompress.js';
import { abortable } from '../../../support/byte-streams.js';
import { isTsbuildError } from '../../../support/errors.js';
import { archiveInvalid } from '../archive-error.js';

export interface ArchiveBytesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of `source` that have just been read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** The tar of an archive that may be compressed. Whatever is wrong with the compression is wrong with the archive. */
export async function* archiveBytes(
  source: AsyncIterable<Uint8Array>,
  { signal, onBytes }: ArchiveBytesOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = abortable(counted(source, onBytes), 'load archive', signal);
  try {
    yield* decompress(bytes);
  } catch (error) {
    if (!isTsbuildError(error, 'LAYER_INVALID')) throw error;
    throw archiveInvalid('it cannot be decompressed', { cause: error });
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: ArchiveBytesOptions['onBytes'],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}
