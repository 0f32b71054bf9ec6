import type { Change } from '../../src/layers/change.js';
import type { TarEntry } from '../../src/layers/tar-entry.js';
import { writeTar } from '../../src/layers/tar/write-tar.js';
import { bytesOfText } from '../../src/support/byte-string.js';
import { collectBytes, streamOf } from './byte-source.js';

type Fields = Partial<Omit<TarEntry, 'path' | 'type' | 'size'>>;

/** Entries of a layer to make in a test. Root's, of the time 1000, and 0644 or 0755 unless said otherwise. */
export const file = (path: string, content: string | Uint8Array = '', fields: Fields = {}): Change => {
  const bytes = Buffer.from(content);
  return { kind: 'upsert', entry: entryOf(path, 'file', { size: bytes.length, ...fields }), open: () => [bytes] };
};
export const directory = (path: string, fields: Fields = {}): Change =>
  upsert(path, 'directory', { mode: 0o755, ...fields });
export const symlink = (path: string, target: string, fields: Fields = {}): Change =>
  upsert(path, 'symlink', { mode: 0o777, linkTarget: bytesOfText(target), ...fields });
export const hardlink = (path: string, target: string, fields: Fields = {}): Change =>
  upsert(path, 'hardlink', { linkTarget: bytesOfText(target), ...fields });
export const fifo = (path: string, fields: Fields = {}): Change => upsert(path, 'fifo', fields);
export const device = (path: string, major: number, minor: number, fields: Fields = {}): Change =>
  upsert(path, 'character-device', { device: { major, minor }, ...fields });
export const whiteout = (path: string): Change => ({ kind: 'delete', path: bytesOfText(path) });
export const opaque = (path: string): Change => ({ kind: 'opaque', path: bytesOfText(path) });

export function layerTar(...changes: readonly Change[]): Promise<Buffer> {
  return collectBytes(writeTar(streamOf(changes)));
}

function upsert(path: string, type: TarEntry['type'], fields: Fields): Change {
  return { kind: 'upsert', entry: entryOf(path, type, { size: 0, ...fields }) };
}

function entryOf(path: string, type: TarEntry['type'], fields: Fields & { readonly size: number }): TarEntry {
  const mtime = { seconds: 1000, nanoseconds: 0 };
  return { path: bytesOfText(path), type, mode: 0o644, uid: 0, gid: 0, mtime, xattrs: new Map(), ...fields };
}
