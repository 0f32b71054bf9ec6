import { existsSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, digestOf } from '../../../oci/digest.js';
import { TsbuildError } from '../../../support/errors.js';
import { underFileLock } from '../../../support/file-lock.js';
import { isCommit } from '../git-options.js';
import type { GitProgram, GitTask } from './git-program.js';
import type { GitRemote, ResolvedRef } from './git-remote.js';

/** In the store: what has been fetched of a remote. Bare: no file of a repository is ever checked out. */
export interface GitRepository {
  readonly gitDir: string;
  readonly remote: GitRemote;
}

/** Bytes of files as they are in the commit: what authors leave out of releases is part of a checkout. */
const ATTRIBUTES = '* -export-ignore -export-subst\n';

/**
 * The repository with the commit in it: fetched alone, without history, unless it is there. A server that does not give single
 * commits gives all that its refs reach.
 * @param directory of all repositories
 * @throws `SOURCE_UNAVAILABLE`, `ABORTED`
 */
export async function fetchCommit(
  git: GitProgram,
  { remote, resolved, directory }: { remote: GitRemote; resolved: ResolvedRef; directory: string },
): Promise<GitRepository> {
  const name = digestHex(digestOf(JSON.stringify([remote.url, resolved.commit.length])));
  const gitDir = join(directory, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await underFileLock(join(directory, `${name}.lock`), async () => {
    await ensureRepository(git, { gitDir, task: remote.task, isSha256: resolved.commit.length === 64 });
    await ensureCommit(git, { gitDir, remote }, resolved);
  });
  return { gitDir, remote };
}

async function ensureRepository(
  git: GitProgram,
  { gitDir, task, isSha256 }: { gitDir: string; task: GitTask; isSha256: boolean },
): Promise<void> {
  const ready = join(gitDir, 'info', 'attributes');
  if (existsSync(ready)) return;
  rmSync(gitDir, { recursive: true, force: true });
  const format = isSha256 ? ['--object-format=sha256'] : [];
  // Without a template, and so without hooks.
  await git.output(['init', '--quiet', '--bare', '--template=', ...format, gitDir], task);
  // What is packed for a .git folder in an image is the same bytes however many cores there are.
  await git.output(['config', 'pack.threads', '1'], { ...task, gitDir });
  await mkdir(join(gitDir, 'info'), { recursive: true });
  await writeFile(ready, ATTRIBUTES);
}

async function ensureCommit(git: GitProgram, repository: GitRepository, resolved: ResolvedRef): Promise<void> {
  const { gitDir, remote } = repository;
  const task = { ...remote.task, gitDir };
  const isThere = async (): Promise<boolean> =>
    await git.succeeds(['cat-file', '-e', `${resolved.object}^{commit}`], task);
  if (await isThere()) return;
  // What a process that was killed left behind; the lock is ours.
  rmSync(join(gitDir, 'shallow.lock'), { force: true });
  const fetch = ['fetch', '--quiet', '--force', '--no-write-fetch-head', '--no-recurse-submodules'];
  const kept = `refs/tsbuild/${resolved.object}`;
  const one = [...fetch, '--no-tags', '--depth=1', '--', remote.url];
  if (await git.succeeds([...one, `${resolved.object}:${kept}`], task)) return;
  if (!isCommit(resolved.ref) && (await git.succeeds([...one, `${resolved.ref}:${kept}`], task)) && (await isThere())) {
    return;
  }
  const whole = existsSync(join(gitDir, 'shallow')) ? ['--unshallow'] : [];
  await git.output([...fetch, ...whole, '--', remote.url, '+refs/*:refs/remotes/*'], task);
  if (await isThere()) return;
  throw new TsbuildError(
    'SOURCE_UNAVAILABLE',
    `cannot fetch repository "${remote.url}": it has no "${resolved.object}"`,
    {
      hint: 'Check the commit id; it must be the whole one, and reachable from a branch or tag.',
    },
  );
}
