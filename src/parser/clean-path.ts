import { posix } from 'node:path';

/** Go's filepath.Clean: posix.normalize leaves one slash at the end. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/s, '');
}
