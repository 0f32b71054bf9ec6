import { TsbuildError } from '../../../support/errors.js';
import type { ByteReader } from '../byte-reader.js';

/** @param state as `its bzip2 stream is damaged` */
export function invalidStream(state: string, cause?: unknown): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot decompress layer: ${state}`, {
    hint: 'Fetch it again; when that does not help, what was published is damaged.',
    cause,
  });
}

/** Exactly `count` bytes. @throws `LAYER_INVALID` when the input has fewer */
export async function takeExactly(input: ByteReader, count: number): Promise<Buffer> {
  const bytes = await input.take(count);
  if (bytes.length < count) throw invalidStream('its bzip2 stream is cut off');
  return bytes;
}
