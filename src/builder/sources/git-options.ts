import { posix } from 'node:path';
import type { SplitUrl } from './split-url.js';

/** Which files of a repository, and how they are had. */
export interface GitOptions {
  /** Branch, tag, commit or full ref; absent: the remote's HEAD. */
  readonly ref?: string;
  /** Normalised, without leading slash; absent: the whole tree. */
  readonly subdirectory?: string;
  /** A commit or a prefix of one, which `ref` must resolve to. */
  readonly checksum?: string;
  /** Absent: as the instruction says. */
  readonly keepGitDir?: boolean;
  /** The remote is not asked what `ref` is now: `checksum` is the commit. */
  readonly fetchByCommit?: true;
  readonly skipSubmodules?: true;
}

type Mutable = { -readonly [K in keyof GitOptions]: GitOptions[K] | undefined };

/**
 * Reads `#ref:subdirectory` and `?ref=…&branch=…&tag=…&subdir=…&checksum=…&commit=…&keep-git-dir&submodules&mtime&fetch-by-commit`.
 * @throws a `RangeError` that says what is wrong
 */
export function readGitOptions({ query, fragment }: Pick<SplitUrl, 'query' | 'fragment'>): GitOptions {
  const options: Mutable = {};
  const colon = fragment.indexOf(':');
  setRef(options, colon < 0 ? fragment : fragment.slice(0, colon));
  setSubdirectory(options, colon < 0 ? '' : fragment.slice(colon + 1));
  const values = single(query);
  for (const [name, value] of values) set(options, name, value);
  if (options.fetchByCommit === true && options.checksum === undefined) {
    throw new RangeError('fetch-by-commit needs checksum=<commit> beside it');
  }
  return defined(options);
}

function single(query: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (values.has(name)) throw new RangeError(`its query has "${name}" twice`);
    values.set(name, value);
  }
  return values;
}

const FLAGS: ReadonlySet<string> = new Set(['keep-git-dir', 'submodules', 'fetch-by-commit']);

function set(options: Mutable, name: string, value: string): void {
  if (value === '' && !FLAGS.has(name)) throw new RangeError(`"${name}" in its query has no value`);
  switch (name) {
    case 'ref':
      setRef(options, value);
      break;
    case 'tag':
      setRef(options, withPrefix('refs/tags/', value));
      break;
    case 'branch':
      setRef(options, withPrefix('refs/heads/', value));
      break;
    case 'subdir':
      setSubdirectory(options, value);
      break;
    case 'checksum':
    case 'commit':
      setChecksum(options, value);
      break;
    default:
      setFlag(options, name, value);
  }
}

function setFlag(options: Mutable, name: string, value: string): void {
  switch (name) {
    case 'keep-git-dir':
      options.keepGitDir = booleanOf(name, value);
      break;
    case 'submodules':
      options.skipSubmodules = booleanOf(name, value) ? undefined : true;
      break;
    case 'fetch-by-commit':
      options.fetchByCommit = booleanOf(name, value) ? true : undefined;
      break;
    case 'mtime':
      checkTime(value);
      break;
    default:
      throw new RangeError(`"${name}" is nothing that its query can say`);
  }
}

/** What git-check-ref-format(1) forbids, so that no ref can be an option, a pattern or a second refspec. */
const NO_REF = /^-|[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|^\/|\/$|\/\/|\.lock$/;

function setRef(options: Mutable, ref: string): void {
  if (ref === '') return;
  if (NO_REF.test(ref)) throw new RangeError(`"${ref}" is no name of a branch, tag or commit`);
  if (options.ref !== undefined && options.ref !== ref) {
    throw new RangeError(`it names "${options.ref}" and "${ref}"`);
  }
  options.ref = ref;
}

function setSubdirectory(options: Mutable, written: string): void {
  const path = posix.join('/', written).replace(/^\/|\/$/g, '');
  if (path === '') return;
  if (options.subdirectory !== undefined && options.subdirectory !== path) {
    throw new RangeError(`it names the folders "${options.subdirectory}" and "${path}"`);
  }
  options.subdirectory = path;
}

function setChecksum(options: Mutable, commit: string): void {
  if (!isCommitPrefix(commit)) throw new RangeError(`"${commit}" is no commit, nor the beginning of one`);
  if (options.checksum !== undefined && options.checksum !== commit) throw new RangeError('it names two commits');
  options.checksum = commit.toLowerCase();
}

/** Of a SHA-1 or SHA-256. */
export function isCommitPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/i.test(text);
}

/** A whole one. */
export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** The words that Go's strconv.ParseBool knows; nothing at all is true. */
function booleanOf(name: string, value: string): boolean {
  if (/^(?:|1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new RangeError(`"${name}" in its query is "${value}", neither true nor false`);
}

/** Files have the time of their commit. BuildKit's `checkout` is the clock's, which goes into no layer of ours. */
function checkTime(value: string): void {
  if (value === 'commit') return;
  if (value !== 'checkout') throw new RangeError(`"mtime" in its query is "${value}", which is not "commit"`);
  throw new RangeError('with "mtime=checkout" no two builds would be the same: files have the time of the commit');
}

function withPrefix(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : `${prefix}${name}`;
}

function defined(options: Mutable): GitOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
