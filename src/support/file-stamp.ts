import { statSync } from 'node:fs';
import { systemErrorCode } from './errors.js';

/** What a file was like when its content had been checked: who writes to it later changes that. */
export interface FileStamp {
  readonly size: number;
  /** Nanoseconds since the epoch, in digits. */
  readonly mtime: string;
}

/** `undefined` for what is no file, or cannot be looked at. */
export function fileStamp(path: string): FileStamp | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() === true ? { size: Number(stat.size), mtime: String(stat.mtimeNs) } : undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

export function sameStamp(left: FileStamp | undefined, right: FileStamp | undefined): boolean {
  return left !== undefined && left.size === right?.size && left.mtime === right.mtime;
}
