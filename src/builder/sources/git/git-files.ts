import type { Change } from '../../../layers/change.js';
import { readTar } from '../../../layers/tar/read-tar.js';
import type { TarEntry } from '../../../layers/tar-entry.js';
import { bytesOfText, type ByteString } from '../../../support/byte-string.js';
import { childPath } from '../../../support/byte-path.js';
import { TsbuildError } from '../../../support/errors.js';
import type { GitProgram } from './git-program.js';
import { gitRemote, type ResolvedRef } from './git-remote.js';
import { fetchCommit, type GitRepository } from './git-repository.js';
import { submodulesOf, type Submodule } from './submodules.js';

export interface GitFilesOptions {
  readonly git: GitProgram;
  /** Of the repositories in the store. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Without slashes at its ends; empty for all. */
  readonly subdirectory: string;
  readonly skipSubmodules: boolean;
}

/** One commit, and the folder that it belongs in. */
interface Place {
  readonly repository: GitRepository;
  /** As it was given, maybe with a user: submodules may be relative to it. */
  readonly address: string;
  readonly commit: string;
  /** From the root of the outermost repository. */
  readonly path: string;
  readonly depth: number;
}

const MAX_DEPTH = 10;

/**
 * The files of a commit and of its submodules, as a checkout would have them, and nothing is checked out: git writes them as an
 * archive, which is read here, so that no name or link in it reaches the file system (CVE-2024-32002 and its kind). Owner is
 * 0:0, modes are 0644 and 0755, the time is the commit's.
 * @throws `SOURCE_UNAVAILABLE`, `ABORTED`
 */
export async function* gitFiles(
  { repository, address, resolved }: { repository: GitRepository; address: string; resolved: ResolvedRef },
  options: GitFilesOptions,
): AsyncGenerator<Change, void, undefined> {
  const outermost = { repository, address, commit: resolved.commit, path: '', depth: 0 };
  let found = options.subdirectory === '';
  for await (const change of filesOf(outermost, options)) {
    if (change.kind !== 'upsert') continue;
    const entry = below(change.entry, options.subdirectory);
    if (entry === undefined) continue;
    if (entry.path === '') requireDirectory(entry, repository, options);
    found = true;
    yield { ...change, entry };
  }
  if (!found) throw missingFolder(repository, options);
}

async function* filesOf(place: Place, options: GitFilesOptions): AsyncGenerator<Change, void, undefined> {
  if (!mayHold(place.path, options.subdirectory)) return;
  const { git, signal } = options;
  const { gitDir, remote } = place.repository;
  const task = { what: `read repository "${remote.url}"`, gitDir, signal };
  const archive = git.stream(['archive', '--format=tar', place.commit], task);
  for await (const { entry, body } of readTar(archive)) {
    const path = place.path === '' ? entry.path : childPath(bytesOfText(place.path), entry.path);
    const plain = { ...entry, path, uid: 0, gid: 0 };
    yield entry.type === 'file' ? { kind: 'upsert', entry: plain, open: () => body } : { kind: 'upsert', entry: plain };
  }
  if (options.skipSubmodules) return;
  for (const submodule of await submodulesOf(git, { commit: place.commit, address: place.address, task })) {
    yield* submoduleFiles(submodule, place, options);
  }
}

async function* submoduleFiles(
  { path, address, commit }: Submodule,
  outer: Place,
  options: GitFilesOptions,
): AsyncGenerator<Change, void, undefined> {
  const inner = outer.path === '' ? path : `${outer.path}/${path}`;
  if (!mayHold(inner, options.subdirectory)) return;
  if (outer.depth === MAX_DEPTH) throw tooDeep(outer.repository);
  const { git, directory, signal } = options;
  const own = gitRemote(address, { signal, secrets: {} });
  // What the repository itself is reached with is good for its submodules on the same host, a token for those below its address.
  const { settings = [], env = {} } = outer.repository.remote.task;
  const task = { settings, env, ...own.task };
  const resolved = { ref: commit, object: commit, commit };
  const repository = await fetchCommit(git, { remote: { ...own, task }, resolved, directory });
  yield* filesOf({ repository, address, commit, path: inner, depth: outer.depth + 1 }, options);
}

/** Whether one of the two folders is in the other. */
function mayHold(path: string, subdirectory: string): boolean {
  if (path === '' || subdirectory === '' || path === subdirectory) return true;
  return path.startsWith(`${subdirectory}/`) || subdirectory.startsWith(`${path}/`);
}

/** With its path from the subdirectory on; `undefined` for what is not below it. */
function below(entry: TarEntry, subdirectory: string): TarEntry | undefined {
  const root = bytesOfText(subdirectory);
  if (root === '') return entry;
  if (entry.path === root) return { ...entry, path: '' as ByteString };
  if (!entry.path.startsWith(`${root}/`)) return undefined;
  return { ...entry, path: entry.path.slice(root.length + 1) as ByteString };
}

function requireDirectory({ type }: TarEntry, { remote }: GitRepository, { subdirectory }: GitFilesOptions): void {
  if (type === 'directory') return;
  throw new TsbuildError(
    'SOURCE_UNAVAILABLE',
    `cannot use folder "${subdirectory}" of repository "${remote.url}": it is a ${type}`,
    { hint: 'Name a folder that the commit itself has; links to folders are not followed.' },
  );
}

function missingFolder({ remote }: GitRepository, { subdirectory }: GitFilesOptions): TsbuildError {
  return new TsbuildError(
    'SOURCE_UNAVAILABLE',
    `cannot use folder "${subdirectory}" of repository "${remote.url}": there is no such folder`,
    { hint: 'Check the part of the address behind the ":"; links to folders are not followed.' },
  );
}

function tooDeep({ remote }: GitRepository): TsbuildError {
  return new TsbuildError(
    'SOURCE_UNAVAILABLE',
    `cannot fetch repository "${remote.url}": its submodules go on for ever`,
    {
      hint: `More than ${MAX_DEPTH} within one another are not followed; append "?submodules=false" to do without.`,
    },
  );
}
