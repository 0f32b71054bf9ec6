import type { ByteString } from '../support/byte-string.js';
import type { TreeEntry } from './tree.js';

export interface FileVersion {
  readonly entry: TreeEntry;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Content of a regular file. */
  readonly read: () => Iterable<Uint8Array>;
}

/**
 * Whether two versions of a file would be the same entry of a layer. The time of a directory does not count: it says that
 * something in it came or went, of which the layer tells anyway.
 */
export function sameFile(one: FileVersion, other: FileVersion): boolean {
  if (!sameEntry(one.entry, other.entry) || !sameXattrs(one.xattrs, other.xattrs)) return false;
  // Times can be set back, and those that a layer brought are of whole seconds: equal ones prove nothing.
  return one.entry.type !== 'file' || sameContent(one.read(), other.read());
}

function sameEntry(one: TreeEntry, other: TreeEntry): boolean {
  const sameMetadata =
    one.type === other.type &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.device?.major === other.device?.major &&
    one.device?.minor === other.device?.minor;
  return sameMetadata && (one.type === 'directory' || sameState(one, other));
}

function sameState(one: TreeEntry, other: TreeEntry): boolean {
  return (
    one.size === other.size &&
    one.linkTarget === other.linkTarget &&
    one.mtime.seconds === other.mtime.seconds &&
    one.mtime.nanoseconds === other.mtime.nanoseconds
  );
}

type Xattrs = FileVersion['xattrs'];

export function sameXattrs(one: Xattrs, other: Xattrs): boolean {
  if (one.size !== other.size) return false;
  for (const [name, value] of one) {
    const counterpart = other.get(name);
    if (counterpart === undefined || Buffer.compare(value, counterpart) !== 0) return false;
  }
  return true;
}

/** Of two files of one size, read in chunks that need not be cut alike. */
function sameContent(one: Iterable<Uint8Array>, other: Iterable<Uint8Array>): boolean {
  const others = other[Symbol.iterator]();
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for (const chunk of one) {
      for (let at = 0; at < chunk.byteLength;) {
        if (rest.byteLength === 0) rest = nextChunk(others);
        const length = Math.min(rest.byteLength, chunk.byteLength - at);
        if (length === 0 || Buffer.compare(chunk.subarray(at, at + length), rest.subarray(0, length)) !== 0)
          return false;
        rest = rest.subarray(length);
        at += length;
      }
    }
    return rest.byteLength === 0 && nextChunk(others).byteLength === 0;
  } finally {
    others.return?.();
  }
}

function nextChunk(chunks: Iterator<Uint8Array>): Uint8Array {
  const next = chunks.next();
  return next.done === true ? new Uint8Array(0) : next.value;
}
