import { childPath } from '../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../support/byte-string.js';
import { TsbuildError } from '../support/errors.js';
import type { Change } from './change.js';
import type { TarEntry } from './tar-entry.js';
import { readTar } from './tar/read-tar.js';
import { writeTar } from './tar/write-tar.js';

export interface TarPart {
  /** Whose files these are, for people. */
  readonly name: string;
  /** The folder that they go into, one name; absent: the root. */
  readonly folder?: string | undefined;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * One tar of several, none of them compressed: a folder each, or side by side in the root, where they may have folders in common and
 * nothing else. @throws `OUTPUT_FAILED` for a file of one that would be in the place of another's
 */
export function joinTars(parts: readonly TarPart[]): AsyncGenerator<Uint8Array, void, undefined> {
  return writeTar(changesOf(parts));
}

async function* changesOf(parts: readonly TarPart[]): AsyncGenerator<Change, void, undefined> {
  const placed = new Places();
  for (const { name, folder, open } of parts) {
    const below = folder === undefined ? undefined : bytesOfText(folder);
    if (below !== undefined) yield { kind: 'upsert', entry: folderEntry(below) };
    for await (const { entry, body } of readTar(await open())) {
      if (entry.path === '') continue;
      const moved = below === undefined ? entry : entryBelow(below, entry);
      if (below === undefined && !placed.take(moved, name)) continue;
      yield { kind: 'upsert', entry: moved, ...(moved.type === 'file' ? { open: () => body } : {}) };
    }
  }
}

/** What has been put where, and by whom. */
class Places {
  readonly #taken = new Map<ByteString, { readonly type: TarEntry['type']; readonly name: string }>();

  /** @returns whether it is new: a folder that is there already is left as it is */
  take({ path, type }: TarEntry, name: string): boolean {
    const before = this.#taken.get(path);
    if (before === undefined || before.name === name) {
      this.#taken.set(path, { type, name });
      return true;
    }
    if (before.type === 'directory' && type === 'directory') return false;
    const file = textOfBytes(path);
    throw new TsbuildError('OUTPUT_FAILED', `cannot write "/${file}" of ${name}: ${before.name} has it, too`, {
      hint: 'Leave platform-split=false out: each platform has a folder of its own then.',
    });
  }
}

function folderEntry(path: ByteString): TarEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  return { path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime, xattrs: new Map() };
}

function entryBelow(folder: ByteString, entry: TarEntry): TarEntry {
  const path = childPath(folder, entry.path);
  // Of a hard link it is the name of another entry; of a symbolic link it is the link's own text.
  if (entry.type !== 'hardlink' || entry.linkTarget === undefined) return { ...entry, path };
  return { ...entry, path, linkTarget: childPath(folder, entry.linkTarget) };
}
