import { isDigest } from '../../oci/digest.js';
import { TsbuildError } from '../../support/errors.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import { isCommitPrefix } from './git-options.js';
import type { GitSource, HttpSource, RemoteSource } from './remote-source.js';

/** Flags of ADD, with their variables expanded; a checksum that expands to nothing is none. */
export interface RemoteFlags {
  readonly checksum?: string | undefined;
  readonly keepGitDir?: boolean | undefined;
}

/**
 * The operation that has a remote source fetched.
 * @throws `DOCKERFILE_SEMANTICS` for a checksum of the wrong kind, and for flags that the address contradicts
 */
export function remoteOperation(source: RemoteSource, flags: RemoteFlags): HttpOperation | GitOperation {
  return source.kind === 'http' ? httpOperation(source, flags) : gitOperation(source, flags);
}

function httpOperation({ url, name, shown }: HttpSource, { checksum = '' }: RemoteFlags): HttpOperation {
  if (checksum === '') return { kind: 'http', url, name };
  if (isDigest(checksum)) return { kind: 'http', url, name, checksum };
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot check "${shown}": "${checksum}" is no digest`, {
    hint: 'Give --checksum as sha256: and 64 lowercase hexadecimal digits.',
    details: { word: checksum },
  });
}

function gitOperation(source: GitSource, flags: RemoteFlags): GitOperation {
  const { url, ref, subdirectory, skipSubmodules, fetchByCommit } = source;
  const checksum = agreed(source, 'checksum', { flag: commitOf(flags.checksum, source), written: source.checksum });
  const keepGitDir = agreed(source, 'keep-git-dir', { flag: flags.keepGitDir, written: source.keepGitDir });
  return {
    kind: 'git',
    url,
    ...(ref === undefined ? {} : { ref }),
    ...(subdirectory === undefined ? {} : { subdirectory }),
    keepGitDir: keepGitDir ?? false,
    ...(checksum === undefined ? {} : { checksum }),
    ...(skipSubmodules === undefined ? {} : { skipSubmodules }),
    ...(fetchByCommit === undefined ? {} : { fetchByCommit }),
  };
}

function commitOf(text: string | undefined, { shown }: GitSource): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (isCommitPrefix(text)) return text.toLowerCase();
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot check "${shown}": "${text}" is no commit`, {
    hint: 'Of a git repository --checksum is the commit, or the beginning of it, in hexadecimal digits.',
    details: { word: text },
  });
}

/** What a flag and the address say must be the same where both say something. */
function agreed<T extends string | boolean>(
  { shown }: GitSource,
  name: string,
  { flag, written }: { readonly flag: T | undefined; readonly written: T | undefined },
): T | undefined {
  if (flag === undefined || written === undefined || flag === written) return written ?? flag;
  throw new TsbuildError(
    'DOCKERFILE_SEMANTICS',
    `cannot add "${shown}": --${name} is ${String(flag)}, and its address says ${String(written)}`,
    { hint: `Say ${name} in one place only.` },
  );
}
