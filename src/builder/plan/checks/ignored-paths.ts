import { posix } from 'node:path';
import { createIgnoreMatcher, parseIgnoreFile } from '../../../parser/ignore-file.js';

/** Paths that the ignore file leaves out of the build context. */
export interface IgnoredPaths {
  readonly ignores: (path: string) => boolean;
  /** A pattern leaves out everything. */
  readonly everything: boolean;
}

const EVERYTHING: readonly string[] = ['*', '**', '**/*'];

/** `ignoredPaths`, made of the file when it is first asked for. */
export function lazyIgnoredPaths(file: Parameters<typeof ignoredPaths>[0]): () => IgnoredPaths | undefined {
  let known: { readonly paths: IgnoredPaths | undefined } | undefined;
  return () => (known ??= { paths: ignoredPaths(file) }).paths;
}

/**
 * `undefined` where nothing can be said: no ignore file, or one that takes paths back in with `!`, below a directory that it leaves
 * out perhaps.
 * @throws TsbuildError CONTEXT_INVALID for a malformed pattern.
 */
function ignoredPaths(file: { readonly name: string; readonly text: string } | null): IgnoredPaths | undefined {
  if (file === null) return undefined;
  const patterns = parseIgnoreFile(file.text);
  if (patterns.length === 0 || patterns.some((pattern) => pattern.startsWith('!'))) return undefined;
  const matcher = createIgnoreMatcher(file.text, { file: file.name });
  return {
    ignores: (path) => matcher.ignores(path),
    everything: patterns.some((pattern) => EVERYTHING.includes(pattern)),
  };
}

/** The source of a COPY as BuildKit shows it, if it is left out (validateCopySourcePath); `undefined` if it is not. */
export function ignoredSource(path: string, ignored: IgnoredPaths): string | undefined {
  const cleaned = posix.normalize(path).replace(/(?<=.)\/$/s, '');
  // The root is no path that could be left out; what matches all that is in it may still be.
  if ((cleaned === '.' || cleaned === '/') && !ignored.everything) return undefined;
  return ignored.ignores(cleaned) ? cleaned : undefined;
}
