import { createPathMatcher, type PathMatcher } from '../../../parser/ignore-file.js';
import type { CopyOperation } from '../../operation.js';

/** What is taken of a folder that is copied; paths are relative to it. */
export interface CopyFilter {
  takes(path: string): boolean;
  /** False if nothing below the directory is taken. */
  mayTakeBelow(directory: string): boolean;
}

export const EVERYTHING: CopyFilter = { takes: () => true, mayTakeBelow: () => true };

/**
 * `--exclude`, and with `--parents` the pattern of the source itself (dockerfile.md 94, 95).
 * @param wanted of what to take; absent: all
 * @throws `DOCKERFILE_SEMANTICS` for a malformed pattern
 */
export function copyFilter({ exclude = [] }: Pick<CopyOperation, 'exclude'>, wanted?: string): CopyFilter {
  const excluded = exclude.length === 0 ? undefined : createPathMatcher(exclude);
  const included = wanted === undefined || wanted === '' ? undefined : createPathMatcher([wanted]);
  if (excluded === undefined && included === undefined) return EVERYTHING;
  return {
    takes: (path) => included?.matches(path) !== false && excluded?.matches(path) !== true,
    mayTakeBelow: (directory) => included?.mayMatchBelow(directory) !== false && !isShut(excluded, directory),
  };
}

function isShut(excluded: PathMatcher | undefined, directory: string): boolean {
  return excluded !== undefined && !excluded.hasExceptions && excluded.matches(directory);
}
