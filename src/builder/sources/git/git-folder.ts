import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDirectoryTree } from '../../../layers/directory-tree.js';
import type { Change } from '../../../layers/change.js';
import type { Timestamp } from '../../../layers/tar-entry.js';
import type { Tree } from '../../../layers/tree.js';
import { childPath } from '../../../support/byte-path.js';
import { bytesOfText, type ByteString } from '../../../support/byte-string.js';
import { removeTree } from '../../../support/files.js';
import { isCommit } from '../git-options.js';
import type { GitProgram } from './git-program.js';
import type { ResolvedRef } from './git-remote.js';
import type { GitRepository } from './git-repository.js';

/**
 * The folder `.git` that `--keep-git-dir` asks for: the one commit, its ref, the remote's address without secrets, and an index
 * that knows no times, so that the same commit gives the same bytes.
 * @param scratch a folder that does not exist, for the time of the call
 * @throws `SOURCE_UNAVAILABLE`, `ABORTED`
 */
export async function* gitFolder(
  git: GitProgram,
  { repository, resolved }: { readonly repository: GitRepository; readonly resolved: ResolvedRef },
  scratch: string,
): AsyncGenerator<Change, void, undefined> {
  try {
    const mtime = await makeFolder(git, { repository, resolved }, scratch);
    yield* folderChanges(createDirectoryTree(join(scratch, '.git')), { from: '' as ByteString, mtime });
  } finally {
    await removeTree(scratch);
  }
}

async function makeFolder(
  git: GitProgram,
  { repository, resolved }: { readonly repository: GitRepository; readonly resolved: ResolvedRef },
  scratch: string,
): Promise<Timestamp> {
  const { remote } = repository;
  await mkdir(scratch, { mode: 0o700 });
  const gitDir = join(scratch, '.git');
  const { what, signal } = remote.task;
  const task = { what, signal, gitDir };
  const format = resolved.commit.length === 64 ? ['--object-format=sha256'] : [];
  await git.output(['init', '--quiet', '--template=', ...format, scratch], { what, signal });
  const name = isCommit(resolved.ref) ? 'refs/tsbuild/commit' : resolved.ref;
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--depth=1'];
  // From the store's own repository, by the protocol: nothing is linked or copied as a file.
  const local = { ...task, env: { GIT_ALLOW_PROTOCOL: 'file' } };
  await git.output([...fetch, '-u', '--', `file://${repository.gitDir}`, `${resolved.object}:${name}`], local);
  await git.output(['update-ref', '--no-deref', 'HEAD', resolved.commit], task);
  if (name !== resolved.ref) await git.output(['update-ref', '-d', name], task);
  await git.output(['config', 'core.bare', 'false'], task);
  await git.output(['config', 'remote.origin.url', remote.url], task);
  // Unlike a checkout's, an index that is read from a tree has no times and inodes.
  await git.output(['read-tree', resolved.commit], task);
  const seconds = Number(await git.output(['show', '-s', '--format=%ct', resolved.commit], task));
  return { seconds, nanoseconds: 0 };
}

function* folderChanges(
  tree: Tree,
  { from, mtime }: { readonly from: ByteString; readonly mtime: Timestamp },
): Generator<Change, void, undefined> {
  const entry = tree.lstat(from);
  if (entry === undefined || (entry.type !== 'directory' && entry.type !== 'file')) return;
  const path = from === '' ? bytesOfText('.git') : childPath(bytesOfText('.git'), from);
  const common = { path, uid: 0, gid: 0, mtime, xattrs: new Map() };
  if (entry.type === 'file') {
    const mode = (entry.mode & 0o200) === 0 ? 0o444 : 0o644;
    yield { kind: 'upsert', entry: { ...common, type: 'file', mode, size: entry.size }, open: () => tree.read(from) };
    return;
  }
  yield { kind: 'upsert', entry: { ...common, type: 'directory', mode: 0o755, size: 0 } };
  for (const name of tree.list(from)) yield* folderChanges(tree, { from: childPath(from, name), mtime });
}
