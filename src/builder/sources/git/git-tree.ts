import { join } from 'node:path';
import type { Change } from '../../../layers/change.js';
import { writeTar } from '../../../layers/tar/write-tar.js';
import { digestOf } from '../../../oci/digest.js';
import type { BlobInfo } from '../../../store/blob-store.js';
import type { Store } from '../../../store/store.js';
import type { GitOperation } from '../../operation.js';
import { recordedSource } from '../source-record.js';
import { gitFiles } from './git-files.js';
import { gitFolder } from './git-folder.js';
import type { Secrets } from './git-authorization.js';
import type { GitProgram } from './git-program.js';
import { checkedRef, gitRemote, resolveRef, type GitRemote, type ResolvedRef } from './git-remote.js';
import { fetchCommit } from './git-repository.js';

/** Goes up whenever the same commit would give another tree. */
const TREE_VERSION = 1;

export interface GitParts {
  readonly store: Pick<Store, 'blobs' | 'records' | 'root' | 'temporaryDirectory'>;
  readonly git: GitProgram;
  /** Of the build; some say who asks. */
  readonly secrets: Secrets;
  /** What the ref is to be taken for; absent: what the remote says. */
  readonly pinned?: ResolvedRef | undefined;
}

export interface GitTree extends BlobInfo {
  readonly resolved: ResolvedRef;
}

/**
 * Has the files of a repository as a tar in the store. The remote is asked what the ref is in every build (dockerfile.md 116);
 * what is known of that commit is not fetched again.
 * @throws `SOURCE_UNAVAILABLE`, `ABORTED`
 */
export async function fetchGitTree(operation: GitOperation, parts: GitParts, signal: AbortSignal): Promise<GitTree> {
  const { git, store, secrets, pinned } = parts;
  const remote = gitRemote(operation.url, { signal, secrets });
  const resolved =
    pinned === undefined ? await resolveRef(git, remote, operation) : checkedRef(pinned, remote, operation);
  const { commit } = resolved;
  const key = treeKey(operation, remote, resolved);
  const known = recordedSource(await store.records.load('source', key));
  if (known !== undefined && (await store.blobs.size(known.digest)) === known.size) return { ...known, resolved };
  const made = await store.blobs.ingest(writeTar(changes(operation, { remote, resolved }, parts)), { signal });
  await store.records.save('source', key, { ...made, commit });
  return { ...made, resolved };
}

function treeKey(operation: GitOperation, { url }: GitRemote, { ref, object, commit }: ResolvedRef) {
  const { subdirectory = '', skipSubmodules = false } = operation;
  const kept = keepsGitFolder(operation) ? { ref, object } : null;
  return digestOf(JSON.stringify(['git', TREE_VERSION, url, commit, subdirectory, skipSubmodules, kept]));
}

/** As with BuildKit, a folder of the repository comes without it. */
function keepsGitFolder({ keepGitDir, subdirectory = '' }: GitOperation): boolean {
  return keepGitDir && subdirectory === '';
}

async function* changes(
  operation: GitOperation,
  { remote, resolved }: { readonly remote: GitRemote; readonly resolved: ResolvedRef },
  { git, store }: GitParts,
): AsyncGenerator<Change, void, undefined> {
  const directory = join(store.root, 'git');
  const repository = await fetchCommit(git, { remote, resolved, directory });
  const { subdirectory = '', skipSubmodules = false, url: address } = operation;
  const options = { git, directory, signal: remote.task.signal, subdirectory, skipSubmodules };
  yield* gitFiles({ repository, address, resolved }, options);
  if (!keepsGitFolder(operation)) return;
  yield* gitFolder(git, { repository, resolved }, join(store.temporaryDirectory, `git-${resolved.commit}`));
}
