import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeLacks, fileSystemName, tryFileSystem } from '../store/file-system.js';
import { layout } from '../store/layout.js';
import { systemErrorCode } from '../support/errors.js';
import type { StoreFacts } from './machine-report.js';

/** What is known of the place of a store without making one. */
export function storeFacts(root: string, place: TrialPlace): Omit<StoreFacts, 'rootfs'> {
  const directory = nearestDirectory(root);
  const { bavail, bsize } = statfsSync(directory);
  return {
    root,
    exists: existsSync(root),
    fileSystem: fileSystemName(directory),
    freeBytes: bavail * bsize,
    lacks: place.inStore ? describeLacks(tryFileSystem(place.path)) : ['this user may not write there'],
  };
}

/** A directory to try things in, removed with all that is in it when it is disposed. */
export interface TrialPlace extends Disposable {
  readonly path: string;
  /** Whether it is on the file system of the store. */
  readonly inStore: boolean;
}

/** Where the store is, or will be; else in `fallback`. */
export function openTrialPlace(root: string, fallback: string): TrialPlace {
  const temporary = layout.temporary(root);
  for (const base of [existsSync(temporary) ? temporary : nearestDirectory(root), fallback]) {
    const path = tryToMake(join(base, 'tsbuild-info-'));
    if (path === undefined) continue;
    return {
      path,
      inStore: base !== fallback || nearestDirectory(root) === fallback,
      [Symbol.dispose]: () => {
        rmSync(path, { recursive: true, force: true });
      },
    };
  }
  throw new Error(`nothing can be written to, not even ${fallback}`);
}

function tryToMake(prefix: string): string | undefined {
  try {
    return mkdtempSync(prefix);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function nearestDirectory(path: string): string {
  return existsSync(path) || path === '/' ? path : nearestDirectory(dirname(path));
}
