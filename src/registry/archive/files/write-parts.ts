import { rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createDigester, type Digest } from '../../../oci/digest.js';
import { writeFully } from '../../../support/atomic-file.js';
import { throwIfAborted } from '../../../support/byte-streams.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../../support/errors.js';
import { outputError } from '../../../support/output-error.js';
import { UnfinishedFiles } from '../../../support/unfinished-files.js';
import { parsePartName, partName } from './archive-parts.js';
import { updateChecksums } from './checksum-list.js';

export interface WritePartsOptions {
  /** Absolute; of the whole archive. */
  readonly path: string;
  /** Bytes of a part, more than 0. Without it there is one file, of the archive's own name. */
  readonly splitBytes?: number | undefined;
  /** Permission bits of the files. */
  readonly mode: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WrittenFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
}

/**
 * Writes an archive into one file or into parts, with a line for each in the `SHA256SUMS` of their folder. Everything is written
 * under hidden names first. The name of the first file comes last: where it is, all is.
 * @throws `OUTPUT_FAILED`, `DISK_FULL`, `ABORTED`, and what `source` throws
 */
export async function writeParts(
  source: AsyncIterable<Uint8Array>,
  options: WritePartsOptions,
): Promise<readonly WrittenFile[]> {
  using unfinished = await UnfinishedFiles.begin(options.path);
  const parts = new Parts(options, unfinished);
  try {
    for await (const chunk of source) {
      throwIfAborted('write the archive', options.signal);
      await parts.write(chunk);
    }
    return await parts.publish();
  } catch (error) {
    await parts.abandon();
    throw isTsbuildError(error) ? error : outputError(`file "${options.path}"`, error);
  }
}

interface UnfinishedPart {
  readonly unfinished: string;
  readonly path: string;
  readonly handle: FileHandle;
  readonly digester: ReturnType<typeof createDigester>;
  size: number;
}

class Parts {
  readonly #options: WritePartsOptions;
  readonly #unfinished: UnfinishedFiles;
  readonly #files: UnfinishedPart[] = [];

  constructor(options: WritePartsOptions, unfinished: UnfinishedFiles) {
    this.#options = options;
    this.#unfinished = unfinished;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { splitBytes = Infinity } = this.#options;
    for (let at = 0; at < chunk.byteLength;) {
      let file = this.#files.at(-1);
      if (file === undefined || file.size === splitBytes) file = await this.#next();
      const bytes = chunk.subarray(at, at + Math.min(splitBytes - file.size, chunk.byteLength));
      const written = writeFully(file.handle, bytes);
      file.digester.update(bytes);
      await written;
      file.size += bytes.byteLength;
      at += bytes.byteLength;
    }
  }

  async publish(): Promise<readonly WrittenFile[]> {
    for (const { handle } of this.#files) await handle.close();
    await this.#refuseOlderParts();
    const written = this.#files.map(({ path, size, digester }) => ({ path, size, digest: digester.finish().digest }));
    for (const { unfinished, path } of this.#files.slice(1).reverse()) await rename(unfinished, path);
    await updateChecksums(
      dirname(this.#options.path),
      written.map(({ path, digest }) => ({ name: basename(path), digest })),
      (name) => this.#isOfArchive(name),
    );
    for (const { unfinished, path } of this.#files.slice(0, 1)) await rename(unfinished, path);
    return written;
  }

  async abandon(): Promise<void> {
    for (const { handle, unfinished } of this.#files) {
      // The first error is the one that counts: a file that is closed already is none.
      await handle.close().catch(() => undefined);
      await rm(unfinished, { force: true }).catch(() => undefined);
    }
  }

  async #next(): Promise<UnfinishedPart> {
    const { path, splitBytes, mode } = this.#options;
    const name = splitBytes === undefined ? path : partName(path, this.#files.length + 1);
    const { path: unfinished, file: handle } = await this.#unfinished.create(basename(name), mode);
    const file = { unfinished, path: name, handle, digester: createDigester(), size: 0 };
    await this.#files.at(-1)?.handle.close();
    this.#files.push(file);
    return file;
  }

  /** A part that an earlier, longer archive left would be taken for one of this. */
  async #refuseOlderParts(): Promise<void> {
    const { path, splitBytes } = this.#options;
    if (splitBytes === undefined) return;
    const older = partName(path, this.#files.length + 1);
    try {
      await stat(older);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return;
      throw error;
    }
    throw new TsbuildError(
      'OUTPUT_FAILED',
      `cannot write file "${path}": "${older}" is there, a part of another archive`,
      {
        hint: 'Remove the parts of the old archive first, or give this one another name.',
      },
    );
  }

  /** Lines that these files make out of date: those of all parts, or that of the one file. */
  #isOfArchive(name: string): boolean {
    const archive = basename(this.#options.path);
    return this.#options.splitBytes === undefined ? name === archive : parsePartName(name)?.archive === archive;
  }
}
