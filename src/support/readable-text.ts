import { readFileSync } from 'node:fs';
import { systemErrorCode } from './errors.js';

/** The text of a small file of this machine (of /proc, /sys, /etc); `undefined` when it is missing, or not for us to read. */
export function readableText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
