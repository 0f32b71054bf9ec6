import { textOfBytes, type ByteString } from '../support/byte-string.js';
import { TsbuildError } from '../support/errors.js';
import { baseName, childPath, parentPath } from '../support/byte-path.js';

// image-spec layer.md, "Whiteouts".
const PREFIX = '.wh.';
const META_PREFIX = '.wh..wh.';
const OPAQUE = '.wh..wh..opq' as ByteString;

/** What the name of a tar entry stands for. `metadata` is what AUFS left for itself: hard-link stores, orphans. */
export type WhiteoutName =
  | { readonly kind: 'none' }
  | { readonly kind: 'whiteout'; readonly path: ByteString }
  | { readonly kind: 'opaque'; readonly path: ByteString }
  | { readonly kind: 'metadata' };

const NONE: WhiteoutName = { kind: 'none' };

/**
 * @throws `LAYER_INVALID` for `.wh.`, `.wh..` and `.wh...`, which would delete nothing, a directory itself, or its parent, and
 * for files in a directory that is named like a whiteout
 */
export function parseWhiteoutName(path: ByteString): WhiteoutName {
  if (!path.includes(PREFIX)) return NONE;
  const directory = parentPath(path);
  const outer = directory.split('/').find((component) => component.startsWith(PREFIX));
  if (outer?.startsWith(META_PREFIX) === true) return { kind: 'metadata' };
  if (outer !== undefined) throw invalidWhiteout(path, 'it is in a directory that is named like a whiteout');
  const name = baseName(path);
  if (!name.startsWith(PREFIX)) return NONE;
  if (name === OPAQUE) return { kind: 'opaque', path: directory };
  if (name.startsWith(META_PREFIX)) return { kind: 'metadata' };
  const hidden = name.slice(PREFIX.length) as ByteString;
  if (hidden === '' || hidden === '.' || hidden === '..') throw invalidWhiteout(path, 'it names no file');
  return { kind: 'whiteout', path: childPath(directory, hidden) };
}

export function whiteoutPath(path: ByteString): ByteString {
  return childPath(parentPath(path), (PREFIX + baseName(path)) as ByteString);
}

export function opaqueWhiteoutPath(directory: ByteString): ByteString {
  return childPath(directory, OPAQUE);
}

/** @throws `LAYER_INVALID` for a file whose name says "whiteout": a layer cannot hold it, it would delete another instead */
export function refuseWhiteoutName(path: ByteString): void {
  if (!path.includes(PREFIX) || !path.split('/').some((component) => component.startsWith(PREFIX))) return;
  throw new TsbuildError(
    'LAYER_INVALID',
    `cannot put "/${textOfBytes(path)}" into a layer: its name begins with .wh.`,
    {
      hint: 'Give the file another name: in a layer such names mean that a file is deleted.',
    },
  );
}

function invalidWhiteout(path: ByteString, state: string): TsbuildError {
  return new TsbuildError('LAYER_INVALID', `cannot apply whiteout "/${textOfBytes(path)}": ${state}`, {
    hint: 'The image is damaged or was made to do harm; pull it again, or use another.',
  });
}
