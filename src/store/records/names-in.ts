import { readdirSync } from 'node:fs';
import { compareBytes } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';

/** Sorted; none for a folder that is missing. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted(compareBytes);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
