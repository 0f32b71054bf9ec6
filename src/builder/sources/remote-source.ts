import { posix } from 'node:path';
import { TsbuildError, type ErrorCode } from '../../support/errors.js';
import { readGitOptions, type GitOptions } from './git-options.js';
import { splitUrl, type SplitUrl } from './split-url.js';

/** A file behind an http or https URL. */
export interface HttpSource {
  readonly kind: 'http';
  /** Without fragment. */
  readonly url: string;
  /** The last name of its path, `__unnamed__` where there is none. */
  readonly name: string;
  /** For messages and history: without password and without the values of the query. */
  readonly shown: string;
}

/** Files of a commit of a git repository. */
export interface GitSource extends GitOptions {
  readonly kind: 'git';
  /** As git takes it. */
  readonly url: string;
  /** For messages and history: without password. */
  readonly shown: string;
}

export type RemoteSource = HttpSource | GitSource;

export interface RemoteSourceOptions {
  /** `github.com/…` is a repository: of a build context, not of ADD, which takes it for a path. */
  readonly githubShorthand?: boolean;
  /** Of the error for an address that is one and malformed; `DOCKERFILE_SEMANTICS` unless given. */
  readonly code?: ErrorCode;
}

/** What BuildKit calls a file whose URL ends in no name. */
const UNNAMED = '__unnamed__';

/** `user@host:path?query#fragment`, as scp has it. */
const SCP_LIKE = /^([\w-]+)@([\w.-]+):([^?#\n]*)(?:\?([^#\n]*))?(?:#(.*))?$/;

/**
 * What a source of ADD, or a build context, names elsewhere, told apart as BuildKit does (dfgitutil): `git:`, `ssh:` and
 * `user@host:path` are git, so is an http or https URL whose path ends in `.git`; any other such URL is a file. `undefined` for
 * all else, which is a path.
 * @throws for a query that is none of git's, a reference that git would take for an option, a host that is none
 */
export function remoteSource(text: string, options: RemoteSourceOptions = {}): RemoteSource | undefined {
  const { githubShorthand = false, code = 'DOCKERFILE_SEMANTICS' } = options;
  if (text.startsWith('./') || text.startsWith('../')) return undefined;
  const isShorthand = githubShorthand && text.startsWith('github.com/');
  const full = isShorthand ? `https://${text}` : text;
  const url = splitUrl(full) ?? splitScpLike(full);
  if (url === undefined) return undefined;
  const read = (): RemoteSource | undefined => {
    // A URL may not hold them (RFC 3986), and a terminal would obey them.
    if (/\p{Cc}/u.test(full)) throw new RangeError('it has control characters');
    if (isShorthand || isGit(url)) return gitSource(url);
    return /^https?:\/\//.test(full) ? httpSource(url) : undefined;
  };
  return describingErrors(read, { text: shownUrl(url).replace(/\p{Cc}/gu, ' '), code });
}

function splitScpLike(text: string): SplitUrl | undefined {
  const match = text.includes('@') ? SCP_LIKE.exec(text) : null;
  if (match === null) return undefined;
  const [, user = '', host = '', path = '', query = '', fragment = ''] = match;
  return { scheme: 'scp', user, host, path, query, fragment, base: `${user}@${host}:${path}` };
}

function isGit({ scheme, path }: SplitUrl): boolean {
  if (scheme === 'git' || scheme === 'ssh' || scheme === 'scp') return true;
  return (scheme === 'http' || scheme === 'https') && decoded(path).endsWith('.git');
}

function gitSource(url: SplitUrl): GitSource {
  // ssh takes a leading dash for an option (CVE-2017-1000117).
  for (const part of [url.user, url.host, url.path]) {
    if (part.startsWith('-')) throw new RangeError(`"${part}" could be taken for an option`);
  }
  if (url.host === '') throw new RangeError('it names no host');
  const options = readGitOptions(url);
  return { kind: 'git', url: url.base, ...options, shown: shownGit(url, options) };
}

function httpSource(url: SplitUrl): HttpSource {
  if (!URL.canParse(url.base)) throw new RangeError('it is no URL');
  const query = url.query === '' ? '' : `?${url.query}`;
  return { kind: 'http', url: `${url.base}${query}`, name: fileName(url.path), shown: shownUrl(url) };
}

/** Go's path.Base of the path without its percent signs. */
function fileName(path: string): string {
  const name = posix.basename(decoded(path));
  if (name === '' || name === '.') return UNNAMED;
  if (name === '..' || name.includes('\0')) throw new RangeError('its last name is no name for a file');
  return name;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RangeError('it has a "%" that two hexadecimal digits do not follow');
  }
}

function shownGit(url: SplitUrl, { ref = '', subdirectory = '' }: GitOptions): string {
  const fragment = subdirectory === '' ? ref : `${ref}:${subdirectory}`;
  return `${shownBase(url)}${fragment === '' ? '' : `#${fragment}`}`;
}

function shownUrl(url: SplitUrl): string {
  const names = new Set(new URLSearchParams(url.query).keys());
  const query = [...names].map((name) => `${encodeURIComponent(name)}=…`).join('&');
  return `${shownBase(url)}${query === '' ? '' : `?${query}`}`;
}

/** A user without a password may be a token, but for ssh, where it is the account. */
function shownBase({ scheme, user, base }: SplitUrl): string {
  if (user === '' || scheme === 'scp' || (scheme === 'ssh' && !user.includes(':'))) return base;
  const start = base.indexOf('//') + 2;
  return `${base.slice(0, start)}…@${base.slice(start + user.length + 1)}`;
}

function describingErrors<T>(action: () => T, { text, code }: { text: string; code: ErrorCode }): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TsbuildError(code, `cannot read address "${text}": ${error.message}`, {
      hint: 'Write a file as https://host/path, a repository as https://host/path.git#branch:folder.',
    });
  }
}
