import type { Change } from '../../layers/change.js';
import type { TarEntry } from '../../layers/tar-entry.js';
import { childPath, parentPath } from '../../support/byte-path.js';
import { bufferOf, compareBytes, type ByteString } from '../../support/byte-string.js';
import type { HostFiles, Location } from './host-files.js';

type ImageFile =
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'symlink'; readonly target: ByteString }
  | { readonly kind: 'text'; readonly content: Buffer }
  | { readonly kind: 'host-file'; readonly location: Location };

const PROGRAM_MODE = 0o755;
const DATA_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
/** Owners, times and extended attributes are the same for all: the image must not depend on who installed the host, or when. */
const COMMON = { uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, xattrs: new Map() } as const;

/** The files of the image, by path. What is there first stays: adding again never replaces. */
export class ImageFiles {
  readonly #host: HostFiles;
  readonly #files = new Map<ByteString, ImageFile>();

  constructor(host: HostFiles) {
    this.#host = host;
  }

  has(path: ByteString): boolean {
    return this.#files.has(path);
  }

  /** The file or directory as the host has it, with the directories and symbolic links that lead there. */
  addFromHost(location: Location): void {
    for (const passage of location.passages) {
      this.#add(passage.path, passage.kind === 'symlink' ? passage : { kind: 'directory', mode: DIRECTORY_MODE });
    }
    if (location.kind === 'file') this.#add(location.path, { kind: 'host-file', location });
  }

  addDirectory(path: ByteString, mode: number = DIRECTORY_MODE): void {
    this.#addBelow(path, { kind: 'directory', mode });
  }

  addText(path: ByteString, text: string): void {
    this.#addBelow(path, { kind: 'text', content: Buffer.from(text) });
  }

  addSymlink(path: ByteString, target: ByteString): void {
    this.#addBelow(path, { kind: 'symlink', target });
  }

  /** Sorted bytewise, so a directory comes before what is in it. Names of one file on the host become hard links. */
  *changes(): Generator<Change> {
    const firstNames = new Map<string, ByteString>();
    for (const [path, file] of [...this.#files].sort(([a], [b]) => compareBytes(a, b))) {
      yield this.#changeOf(path, file, firstNames);
    }
  }

  #changeOf(path: ByteString, file: ImageFile, firstNames: Map<string, ByteString>): Change {
    switch (file.kind) {
      case 'directory':
        return upsert({ path, type: 'directory', mode: file.mode, size: 0, ...COMMON });
      case 'symlink':
        return upsert({ path, type: 'symlink', mode: 0o777, size: 0, linkTarget: file.target, ...COMMON });
      case 'text': {
        const entry: TarEntry = { path, type: 'file', mode: DATA_MODE, size: file.content.length, ...COMMON };
        return { kind: 'upsert', entry, open: () => [file.content] };
      }
      case 'host-file':
        return this.#hostFileChange(path, file.location, firstNames);
    }
  }

  #hostFileChange(path: ByteString, location: Location, firstNames: Map<string, ByteString>): Change {
    const { identity, size, executable } = location;
    const mode = executable ? PROGRAM_MODE : DATA_MODE;
    const firstName = firstNames.get(identity);
    if (firstName !== undefined) {
      return upsert({ path, type: 'hardlink', mode, size: 0, linkTarget: firstName, ...COMMON });
    }
    firstNames.set(identity, path);
    const entry: TarEntry = { path, type: 'file', mode, size, ...COMMON };
    return { kind: 'upsert', entry, open: () => this.#host.read(location.path, size) };
  }

  #addBelow(path: ByteString, file: ImageFile): void {
    const name = path.slice(path.lastIndexOf('/') + 1) as ByteString;
    this.#add(childPath(this.#resolveDirectory(parentPath(path)), name), file);
  }

  /** Follows the symbolic links of the image, and makes what is missing: a host may have `/usr/local` elsewhere. */
  #resolveDirectory(path: ByteString): ByteString {
    const pending = bufferOf(path).toString('latin1').split('/').reverse();
    let current = '' as ByteString;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      const next = name === '..' ? parentPath(current) : childPath(current, name as ByteString);
      const file = this.#files.get(next);
      if (file?.kind === 'symlink') {
        if (file.target.startsWith('/')) current = '' as ByteString;
        pending.push(...file.target.split('/').reverse());
        continue;
      }
      if (next !== '') this.#add(next, { kind: 'directory', mode: DIRECTORY_MODE });
      current = next;
    }
    return current;
  }

  #add(path: ByteString, file: ImageFile): void {
    if (!this.#files.has(path)) this.#files.set(path, file);
  }
}

function upsert(entry: TarEntry): Change {
  return { kind: 'upsert', entry };
}
