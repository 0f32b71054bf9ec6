import { TsbuildError } from '../../../support/errors.js';
import type { GitOperation } from '../../operation.js';
import { isCommit } from '../git-options.js';
import { splitUrl } from '../split-url.js';
import { gitAuthorization, type Secrets } from './git-authorization.js';
import type { GitProgram, GitTask } from './git-program.js';

/** A repository elsewhere, and how git reaches it. */
export interface GitRemote {
  /** Without user and password, which go by `task`: arguments of a program are for everybody to see. */
  readonly url: string;
  /** For messages: as `url`. */
  readonly task: Omit<GitTask, 'gitDir'>;
}

export interface GitRemoteOptions {
  readonly signal: AbortSignal;
  /** Of the build; some say who asks. */
  readonly secrets: Secrets;
}

/** What a reference is at the remote now. */
export interface ResolvedRef {
  /** The full name, as `refs/heads/main`; the commit itself where it was asked for by that. */
  readonly ref: string;
  /** What the ref names: a commit, or an annotated tag. */
  readonly object: string;
  readonly commit: string;
}

/** @throws `USAGE` for a secret that cannot be sent */
export function gitRemote(address: string, { signal, secrets }: GitRemoteOptions): GitRemote {
  const split = splitUrl(address);
  const isWeb = split?.scheme === 'http' || split?.scheme === 'https';
  const url = isWeb ? `${split.scheme}://${split.host}${split.path}` : address;
  const task = {
    what: `fetch repository "${url}"`,
    signal,
    hint: HINTS[isWeb ? 'web' : split?.scheme === 'git' ? 'git' : 'ssh'],
  };
  if (!isWeb) return { url, task };
  const { settings = [], env = {} } = credentials(`${split.scheme}://${split.host}`, split.user);
  return { url, task: { ...task, settings: [...settings, ...gitAuthorization(split, url, secrets)], env } };
}

/**
 * A helper for this host alone, whose answer is in variables: neither other hosts, such as those of submodules, nor other users
 * of this one get to see it.
 */
function credentials(origin: string, user: string): Pick<GitTask, 'settings' | 'env'> {
  if (user === '') return {};
  const colon = user.indexOf(':');
  const name = decodeURIComponent(colon < 0 ? user : user.slice(0, colon));
  const password = decodeURIComponent(colon < 0 ? '' : user.slice(colon + 1));
  const helper =
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$TSBUILD_GIT_USER" "$TSBUILD_GIT_PASSWORD"; }; f';
  return {
    settings: [[`credential.${origin}.helper`, helper]],
    env: { TSBUILD_GIT_USER: name, TSBUILD_GIT_PASSWORD: password },
  };
}

const HINTS = {
  web: 'Check the address, the network, and the proxy in HTTPS_PROXY and NO_PROXY; what is not public needs a token: --secret id=GIT_AUTH_TOKEN, or user and token in the URL.',
  git: 'Check the address and the network: git:// goes to port 9418, by no proxy; https:// is open in more places.',
  ssh: 'Check the address; ssh must know the host (ssh-keyscan HOST >> ~/.ssh/known_hosts) and have a key for it, or an agent in SSH_AUTH_SOCK.',
} as const;

/**
 * Asks the remote what a ref is, in BuildKit's order: as it is written below `refs/`, a branch, a tag. Without a ref, the remote's
 * HEAD. A commit needs no asking.
 * @throws `SOURCE_UNAVAILABLE` when there is no such ref, or it is not of the commit that `checksum` says; `ABORTED`
 */
export async function resolveRef(
  git: GitProgram,
  { url, task }: GitRemote,
  { ref, checksum, fetchByCommit }: Pick<GitOperation, 'ref' | 'checksum' | 'fetchByCommit'>,
): Promise<ResolvedRef> {
  if (ref !== undefined && isCommit(ref)) return checked({ ref, object: ref, commit: ref }, url, checksum);
  if (fetchByCommit === true && checksum !== undefined && isCommit(checksum)) {
    return { ref: fullName(ref) ?? checksum, object: checksum, commit: checksum };
  }
  const isHead = ref === undefined || ref === 'HEAD';
  const args = isHead ? ['--symref', '--', url, 'HEAD'] : ['--', url, ref, `${ref}^{}`];
  const lines = (await git.output(['ls-remote', ...args], task)).split('\n').map((line) => line.split('\t'));
  const found = isHead ? headIn(lines) : refIn(ref, lines);
  if (found !== undefined) return checked(found, url, checksum);
  throw new TsbuildError('SOURCE_UNAVAILABLE', `cannot fetch repository "${url}": it has no ref "${ref ?? 'HEAD'}"`, {
    hint: 'Give a branch, a tag or a whole commit id behind the "#".',
  });
}

function fullName(ref: string | undefined): string | undefined {
  return ref === undefined || ref.startsWith('refs/') ? ref : `refs/heads/${ref}`;
}

type Lines = readonly (readonly string[])[];

function headIn(lines: Lines): ResolvedRef | undefined {
  const commit = lines.find(([object = '', name]) => name === 'HEAD' && isCommit(object))?.[0];
  if (commit === undefined) return undefined;
  const target = lines.find(([target = '', name]) => name === 'HEAD' && target.startsWith('ref: '))?.[0]?.slice(5);
  return { ref: target?.startsWith('refs/') === true ? target : commit, object: commit, commit };
}

function refIn(ref: string, lines: Lines): ResolvedRef | undefined {
  const objects = new Map(lines.map(([object = '', name = '']) => [name, object]));
  const below = (prefix: string): string => `${prefix}${ref.startsWith(prefix) ? ref.slice(prefix.length) : ref}`;
  const name = [below('refs/'), below('refs/heads/'), below('refs/tags/')].find((one) => objects.has(one));
  const object = name === undefined ? undefined : objects.get(name);
  if (name === undefined || object === undefined || !isCommit(object)) return undefined;
  const peeled = objects.get(`${name}^{}`) ?? object;
  return { ref: name, object, commit: isCommit(peeled) ? peeled : object };
}

/** As `resolveRef`, of what a ref is to be taken for. */
export function checkedRef(
  pinned: ResolvedRef,
  { url }: GitRemote,
  { checksum }: Pick<GitOperation, 'checksum'>,
): ResolvedRef {
  return checked(pinned, url, checksum);
}

function checked(found: ResolvedRef, url: string, checksum: string | undefined): ResolvedRef {
  if (checksum === undefined || found.commit.startsWith(checksum) || found.object.startsWith(checksum)) return found;
  throw new TsbuildError('SOURCE_UNAVAILABLE', `cannot use repository "${url}": it is not at the commit asked for`, {
    hint: `"${found.ref}" is ${found.commit}, and ${checksum} was asked for: change one of them.`,
    details: { expected: checksum, found: found.commit },
  });
}
