import type { Tree, TreeEntry } from '../../src/layers/tree.js';
import { bytesOfText, compareBytes, type ByteString } from '../../src/support/byte-string.js';

export interface MemoryFile extends Partial<Omit<TreeEntry, 'linkTarget'>> {
  /** Content of a file. */
  readonly text?: string;
  /** In the place of `text`. */
  readonly bytes?: Uint8Array;
  /** Text of a symbolic link. */
  readonly link?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** A tree of files that are given by path; a path that ends in a slash is a directory. Parents are made as needed. */
export function memoryTree(files: Readonly<Record<string, MemoryFile | string>>): Tree {
  const entries = new Map<ByteString, { readonly entry: TreeEntry; readonly file: MemoryFile }>();
  const add = (path: string, file: MemoryFile): void => {
    const key = bytesOfText(path.replace(/\/$/, ''));
    entries.set(key, { entry: entryOf(path, file), file });
    const parent = key.slice(0, Math.max(0, key.lastIndexOf('/')));
    if (!entries.has(parent as ByteString)) add(`${parent}/`, {});
  };
  add('/', {});
  for (const [path, file] of Object.entries(files)) add(path, typeof file === 'string' ? { text: file } : file);
  return {
    lstat: (path) => entries.get(path)?.entry,
    list: (path) => {
      const prefix = path === '' ? '' : `${path}/`;
      const below = [...entries.keys()].filter((key) => key !== '' && key.startsWith(prefix) && key !== path);
      const names = below.map((key) => key.slice(prefix.length)).filter((name) => name !== '' && !name.includes('/'));
      return names.sort(compareBytes) as ByteString[];
    },
    xattrs: (path) =>
      new Map(
        Object.entries(entries.get(path)?.file.xattrs ?? {}).map(([name, value]) => [
          bytesOfText(name),
          Buffer.from(value),
        ]),
      ),
    read: (path) => [contentOf(entries.get(path)?.file ?? {})],
  };
}

function contentOf({ bytes, text = '' }: MemoryFile): Buffer {
  return Buffer.from(bytes ?? text);
}

function entryOf(path: string, { text, bytes, link, ...given }: MemoryFile): TreeEntry {
  const type = path.endsWith('/') ? 'directory' : link === undefined ? 'file' : 'symlink';
  const { xattrs: _, ...entry } = given;
  return {
    type,
    mode: type === 'directory' ? 0o755 : type === 'symlink' ? 0o777 : 0o644,
    uid: 0,
    gid: 0,
    size:
      type === 'file'
        ? contentOf({ ...(text === undefined ? {} : { text }), ...(bytes === undefined ? {} : { bytes }) }).length
        : 0,
    mtime: { seconds: 1_000, nanoseconds: 0 },
    inode: null,
    ...(link === undefined ? {} : { linkTarget: bytesOfText(link) }),
    ...entry,
  };
}
