import { mkdir } from 'node:fs/promises';
import { bytesOfText, textOfBytes } from '../support/byte-string.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../support/errors.js';
import { outputError } from '../support/output-error.js';
import { LayerWriter } from './apply/layer-writer.js';
import type { TarEntry } from './tar-entry.js';
import { TarParser } from './tar/tar-parser.js';

export interface ExtractOptions {
  readonly signal: AbortSignal;
  /** Told of the paths of what could not be handed out: a user can have no device nodes. */
  readonly onLeftOut: (path: string) => void;
}

/**
 * Gives a user the files of a tar, below a folder that is made when it is missing: what is there already and has no name in the tar
 * stays. They belong to the calling user; modes, times and hard links are kept, but for set-user-ID bits, which would lend this
 * user's rights, and extended attributes. Nothing is written outside the folder, whatever links lie in it.
 * @throws `OUTPUT_FAILED`, `DISK_FULL`, `LAYER_INVALID`, `ABORTED`
 */
export async function extractFiles(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  { signal, onLeftOut }: ExtractOptions,
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    using writer = new LayerWriter({
      root: bytesOfText(folder),
      overlay: null,
      ownership: 'caller',
      owners: new Map(),
    });
    const parser = new TarParser();
    for await (const chunk of tar) {
      signal.throwIfAborted();
      extractChunk(writer, parser.push(chunk), onLeftOut);
    }
    parser.finish();
    writer.finish();
  } catch (error) {
    if (signal.aborted && !isTsbuildError(error, 'ABORTED')) {
      throw new TsbuildError('ABORTED', `cannot write files to "${folder}": it was cancelled`, { cause: error });
    }
    throw systemErrorCode(error) === undefined ? error : outputError(`files to "${folder}"`, error);
  }
}

function extractChunk(
  writer: LayerWriter,
  events: ReturnType<TarParser['push']>,
  onLeftOut: (path: string) => void,
): void {
  for (const event of events) {
    if (event.kind === 'entry') {
      const { entry } = event;
      if (isDevice(entry)) onLeftOut(`/${textOfBytes(entry.path)}`);
      else if (entry.path !== '') writer.begin(handedOut(entry));
    } else if (event.kind === 'content') writer.write(event.bytes);
    else writer.end();
  }
}

function isDevice({ type }: TarEntry): boolean {
  return type === 'character-device' || type === 'block-device';
}

function handedOut(entry: TarEntry): TarEntry {
  return { ...entry, mode: entry.mode & 0o1777, xattrs: new Map() };
}
