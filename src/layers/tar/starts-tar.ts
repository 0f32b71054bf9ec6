import { isTsbuildError } from '../../support/errors.js';
import { decodeHeader, isZeroBlock } from './decode-header.js';
import { BLOCK } from './tar-format.js';

/** Whether the bytes begin with the header of an entry. A tar archive without any entry has none, and nothing else passes for one. */
export function startsTar(head: Buffer): boolean {
  const block = head.subarray(0, BLOCK);
  if (block.length < BLOCK || isZeroBlock(block)) return false;
  try {
    decodeHeader(block);
    return true;
  } catch (error) {
    if (isTsbuildError(error, 'LAYER_INVALID')) return false;
    throw error;
  }
}
