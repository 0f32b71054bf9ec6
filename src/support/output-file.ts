import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemErrorCode, TsbuildError } from './errors.js';
import { outputError } from './output-error.js';

export interface OutputFileOptions {
  /** What a relative path starts from. */
  readonly cwd: string;
  /** Permission bits of a new file. */
  readonly mode: number;
  readonly signal?: AbortSignal | undefined;
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
  const destination = target.special
    ? target.path
    : join(dirname(target.path), `.${basename(target.path)}.${process.pid}.partial`);
  try {
    await writeAll(destination, source, target.special ? { ...options, flags: 'w' } : { ...options, flags: 'wx' });
    if (!target.special) await rename(destination, target.path);
  } catch (error) {
    if (!target.special && systemErrorCode(error) !== 'EEXIST') await rm(destination, { force: true });
    throw outputError(`file "${path}"`, error);
  }
}

/** What is named, through links; whether it is something that must not be replaced by a file. */
async function targetOf(path: string, cwd: string): Promise<{ readonly path: string; readonly special: boolean }> {
  try {
    const real = await realpath(resolve(cwd, path));
    const status = await stat(real);
    if (status.isDirectory()) {
      throw new TsbuildError('OUTPUT_FAILED', `cannot write file "${path}": it is a folder`, {
        hint: 'Give the name of a file in it.',
      });
    }
    return { path: real, special: !status.isFile() };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { path: resolve(cwd, path), special: false };
    throw outputError(`file "${path}"`, error);
  }
}

async function writeAll(
  path: string,
  source: AsyncIterable<Uint8Array>,
  { mode, signal, flags }: Omit<OutputFileOptions, 'cwd'> & { readonly flags: string },
): Promise<void> {
  const file = await open(path, flags, mode);
  await pipeline(source, file.createWriteStream(), ...(signal === undefined ? [] : [{ signal }]));
}
