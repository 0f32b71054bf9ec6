import type { BigIntStats } from 'node:fs';
import type { ByteString } from '../support/byte-string.js';
import type { Tree } from './tree.js';

/** What of lstat(2) tells one state of a file from another without reading it. */
export type FileState = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** A folder's files as they lie on the disk. */
export interface StatedTree extends Tree {
  /** Of a file that has just been looked at, as it was then; `undefined` when there is no such file. */
  state(path: ByteString): FileState | undefined;
}
