import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { systemErrorCode } from './errors.js';

/**
 * Bytes of all files below a path, or of the file that it is; nothing for what is missing. Files with several names count once.
 * Others may be at work in it meanwhile. @throws system errors, as for folders of other users
 */
export function bytesBelow(top: string): number {
  // Names are bytes: decoded as text, those that are no UTF-8 would not be found again.
  const open: Buffer[] = [Buffer.from(top)];
  const seen = new Set<string>();
  let bytes = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isFile() && !isKnown(stat, seen)) bytes += stat.size;
    else if (stat.isDirectory()) open.push(...childrenOf(path));
  }
  return bytes;
}

function isKnown({ dev, ino, nlink }: Stats, seen: Set<string>): boolean {
  if (nlink < 2) return false;
  const key = `${dev} ${ino}`;
  if (seen.has(key)) return true;
  seen.add(key);
  return false;
}

function childrenOf(path: Buffer): readonly Buffer[] {
  try {
    return readdirSync(path, { encoding: 'buffer' }).map((name) => Buffer.concat([path, Buffer.from('/'), name]));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
