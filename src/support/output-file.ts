import type { Stats } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemErrorCode, TsbuildError } from './errors.js';
import { outputError } from './output-error.js';
import { UnfinishedFiles } from './unfinished-files.js';

export interface OutputFileOptions {
  /** What a relative path starts from. */
  readonly cwd: string;
  /** Permission bits of a new file. */
  readonly mode: number;
  readonly signal?: AbortSignal | undefined;
  /** That it is some bytes, and not worth a lock. */
  readonly brief?: boolean | undefined;
}

/**
 * Writes a file that is there whole or not at all: the bytes go into a hidden file beside it, which then takes its place. A pipe
 * or a device is written to as it is, and so is what a symbolic link names.
 * @throws `OUTPUT_FAILED`, `DISK_FULL`, `ABORTED`, and what `source` throws
 */
export async function writeOutputFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: OutputFileOptions,
): Promise<void> {
  const target = await targetOf(path, options.cwd);
  try {
    if (target.special === undefined) await replace(target.path, source, options);
    else await writeAll(await openSpecial(target.path, target.special, options), source, options);
  } catch (error) {
    throw outputError(`file "${path}"`, error);
  }
}

async function replace(target: string, source: AsyncIterable<Uint8Array>, options: OutputFileOptions): Promise<void> {
  using unfinished = await UnfinishedFiles.begin(target, options);
  const { path, file } = await unfinished.create(basename(target), options.mode);
  try {
    await writeAll(file.createWriteStream(), source, options);
    await rename(path, target);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

interface Target {
  readonly path: string;
  /** What is there, if it is something that must not be replaced by a file. */
  readonly special?: Stats;
}

/** What is named, through links. */
async function targetOf(path: string, cwd: string): Promise<Target> {
  try {
    const real = await realpath(resolve(cwd, path));
    const status = await stat(real);
    if (status.isDirectory()) {
      throw new TsbuildError('OUTPUT_FAILED', `cannot write file "${path}": it is a folder`, {
        hint: 'Give the name of a file in it.',
      });
    }
    return status.isFile() ? { path: real } : { path: real, special: status };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { path: resolve(cwd, path) };
    throw outputError(`file "${path}"`, error);
  }
}

async function openSpecial(
  path: string,
  status: Stats,
  { signal }: Pick<OutputFileOptions, 'signal'>,
): Promise<Writable> {
  if (!status.isFIFO()) return (await open(path, 'w')).createWriteStream();
  const { openPipe } = await import('./open-pipe.js');
  return await openPipe(path, signal);
}

async function writeAll(
  destination: Writable,
  source: AsyncIterable<Uint8Array>,
  { signal }: Pick<OutputFileOptions, 'signal'>,
): Promise<void> {
  await pipeline(source, destination, ...(signal === undefined ? [] : [{ signal }]));
}
