import { TsbuildError } from '../../support/errors.js';
import type { ByteReader } from './byte-reader.js';

/** The .xz file format, section 2.1.1.1. */
export const XZ_MAGIC: Buffer = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/**
 * The content of all streams of an .xz file. The decoder is WebAssembly, loaded when it is first needed; it refuses dictionaries
 * beyond 64 MiB, which is what `xz -9` makes.
 * @throws `LAYER_INVALID` when it is damaged, cut off or needs a larger dictionary; errors of `input` as they are
 */
export async function* unxz(input: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  const { default: xz } = await import('xz-decompress');
  const source = watched(input.rest());
  const reader = new xz.XzReadableStream(source.stream).getReader();
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw source.failure() === undefined ? damaged(error) : error;
  } finally {
    await reader.cancel().catch(() => undefined);
    await source.close();
  }
}

interface Watched {
  readonly stream: ReadableStream<Uint8Array>;
  /** What made the source fail. */
  readonly failure: () => unknown;
  readonly close: () => Promise<void>;
}

function watched(bytes: AsyncGenerator<Uint8Array, void, undefined>): Watched {
  let failure: unknown;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await bytes.next();
        if (next.done === true) controller.close();
        // A copy: the decoder may come to it after the source has used its memory again.
        else controller.enqueue(Uint8Array.from(next.value));
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  });
  const close = async (): Promise<void> => {
    await bytes.return();
  };
  return { stream, failure: () => failure, close };
}

function damaged(cause: unknown): TsbuildError {
  const state = 'its xz stream is damaged or cut off, or needs more than 64 MiB of memory';
  return new TsbuildError('LAYER_INVALID', `cannot decompress layer: ${state}`, {
    hint: 'Fetch it again; or unpack it with the program xz, and give what comes out.',
    cause,
  });
}
