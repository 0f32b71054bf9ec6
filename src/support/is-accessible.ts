import { accessSync } from 'node:fs';

/** Whether this user may do with a file what `mode` says (`R_OK`, `W_OK`, `X_OK`), by the kernel's word: access(2). */
export function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
