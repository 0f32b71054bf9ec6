import type { ByteString } from './byte-string.js';

// Paths below a root: relative, components joined by single slashes, the root the empty string.

export const ROOT = '' as ByteString;

export function parentPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return (slash === -1 ? '' : path.slice(0, slash)) as ByteString;
}

export function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1) as ByteString;
}

export function childPath(directory: ByteString, name: ByteString): ByteString {
  return (directory === '' ? name : `${directory}/${name}`) as ByteString;
}

/** Absolute path on the host of something below `root`. */
export function hostPath(root: ByteString, path: ByteString): ByteString {
  return (path === '' ? root : `${root}/${path}`) as ByteString;
}

/** The components that say where to go: without empty ones and `.`, with `..`. */
export function pathComponents(path: string): ByteString[] {
  return path.split('/').filter((component) => component !== '' && component !== '.') as ByteString[];
}
