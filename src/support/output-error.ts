import { isTsbuildError, systemErrorCode, TsbuildError } from './errors.js';

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Make the folder first; its path is read from the current folder.',
  ENOTDIR: 'Check the path: what stands before its last name has to be a folder.',
  EACCES: 'Check who may write there, or choose another place.',
  EPERM: 'Check who may write there, or choose another place.',
  EROFS: 'Choose a place on another file system.',
  EDQUOT: 'Make room, or write to another disk.',
};

const STATES: Readonly<Record<string, string>> = {
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EDQUOT: 'the disk quota is used up',
};

/**
 * What a failed write is to the user: `OUTPUT_FAILED` or `DISK_FULL`. Other errors than the system's stay what they are, and so
 * do a reader that has gone (`EPIPE`) and an abort, which are nobody's fault.
 * @param object as in `cannot write <object>`
 */
export function outputError(object: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined || isTsbuildError(error) || code === 'EPIPE' || code === 'ABORT_ERR') return error;
  if (code === 'ENOSPC') {
    return new TsbuildError('DISK_FULL', `cannot write ${object}: no space left on the disk`, {
      hint: 'Make room, or write to another disk.',
    });
  }
  const state = STATES[code];
  const cause = state === undefined ? error : undefined;
  return new TsbuildError('OUTPUT_FAILED', `cannot write ${object}: ${state ?? code}`, { cause, hint: HINTS[code] });
}
