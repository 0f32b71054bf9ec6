import { createGunzip, type Gunzip } from 'node:zlib';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';

export const GZIP_MAGIC: Buffer = Buffer.from([0x1f, 0x8b]);

/** Node's own 16 KiB make gunzip three times slower. */
const CHUNK = 1 << 20;

/**
 * The content of all members of a gzip stream (RFC 1952). Zeros after them are padding.
 * @throws `LAYER_INVALID` when it is damaged or cut off; errors of `source` as they are
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createGunzip({ chunkSize: CHUNK });
  const feed: Feed = { failure: undefined, abandoned: false };
  const feeding = feedAll(stream, source, feed);
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    // zlib stops listening at padding: what is left of the source is read all the same, and may fail.
    await feeding;
    rethrow(feed);
  } catch (error) {
    throw feed.failure ?? gunzipDamaged(error);
  } finally {
    feed.abandoned = true;
    stream.destroy();
    await feeding;
  }
}

interface Feed {
  /** What made the source fail. */
  failure: Error | undefined;
  abandoned: boolean;
}

function rethrow({ failure }: Feed): void {
  if (failure !== undefined) throw failure;
}

/** Never rejects: what goes wrong destroys the stream, and its reader throws it. */
async function feedAll(stream: Gunzip, source: AsyncIterable<Uint8Array>, feed: Feed): Promise<void> {
  try {
    for await (const chunk of source) {
      if (feed.abandoned) return;
      if (!stream.destroyed && !stream.readableEnded) await written(stream, chunk);
    }
    if (!stream.destroyed) stream.end();
  } catch (error) {
    feed.failure = error instanceof Error ? error : new Error('the source cannot be read', { cause: error });
    stream.destroy(feed.failure);
  }
}

/** Until the chunk has been inflated: its memory is the source's again afterwards. */
function written(stream: Gunzip, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('end', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('end', done);
    stream.on('close', done);
    stream.write(chunk, done);
  });
}

/** What zlib throws as the error of a layer; anything else as it is. */
export function gunzipDamaged(error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code?.startsWith('Z_') !== true) return error;
  const state = code === 'Z_BUF_ERROR' ? 'its gzip stream is cut off' : 'its gzip stream is damaged';
  return new TsbuildError('LAYER_INVALID', `cannot decompress layer: ${state}`, {
    hint: 'Fetch the layer again; when that does not help, the image was pushed damaged.',
    cause: error,
  });
}
