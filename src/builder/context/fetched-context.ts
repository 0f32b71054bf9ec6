import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decompress } from '../../layers/compression/decompress.js';
import { resolveInTree } from '../../layers/resolve-in-tree.js';
import { layout } from '../../store/layout.js';
import { collect } from '../../support/byte-streams.js';
import { bytesOfText } from '../../support/byte-string.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { ContextFile } from '../build-request.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { SourcePolicy } from '../policy/policy-rules.js';
import { remoteOperation } from '../sources/remote-operation.js';
import { remoteSource, type RemoteSource } from '../sources/remote-source.js';
import type { SourceFetcherParts } from '../sources/source-fetcher.js';
import { archiveKind, ARCHIVE_HEAD } from './is-archive.js';
import { openContextFile } from './build-context.js';

export interface ContextOptions {
  readonly signal: AbortSignal;
  /** Bytes of an archive once it is unpacked; 64 GiB unless given. */
  readonly maxBytes?: number;
  /** Whether a git repository comes with its `.git`, where its address does not say so itself. */
  readonly keepGitDir?: boolean | undefined;
  /** What may be fetched, and what in its place. */
  readonly policies?: readonly SourcePolicy[] | undefined;
}

const DEFAULT_MAX_BYTES = 64 * 2 ** 30;
/** What BuildKit calls the file that a URL gives when it is no archive: the Dockerfile itself. */
const SINGLE_FILE = 'context';

/**
 * Fetches a build context: the files of a git repository, or what a URL has: an archive, or a Dockerfile alone.
 * @returns `undefined` when the address is a path
 * @throws `CONTEXT_INVALID`, `SOURCE_UNAVAILABLE`, `ABORTED`
 */
export async function fetchContext(
  address: string,
  parts: SourceFetcherParts,
  options: ContextOptions,
): Promise<ContextFile | undefined> {
  const remote = remoteSource(address, { githubShorthand: true, code: 'CONTEXT_INVALID' });
  if (remote === undefined) return undefined;
  const operation = await allowed(remoteOperation(remote, keepGitDirOf(remote, options)), options);
  const { store, access, secrets } = parts;
  if (operation.kind === 'git') {
    const { fetchGitTree } = await import('../sources/git/git-tree.js');
    const { GitProgram } = await import('../sources/git/git-program.js');
    const git = new GitProgram(await access.gitEnvironment());
    const { digest } = await fetchGitTree(operation, { store, git, secrets }, options.signal);
    return { kind: 'archive', path: layout.blob(store.root, digest) };
  }
  const { fetchHttpFile } = await import('../sources/http-file.js');
  const file = await fetchHttpFile(operation, { store, web: access.web }, options);
  const path = layout.blob(store.root, file.digest);
  if (archiveKind(await headOf(path)) === undefined) {
    return { kind: 'file', path, name: SINGLE_FILE, modified: file.modified };
  }
  return await describing(`"${remote.shown}"`, () => unpackContext(createReadStream(path), store, options));
}

/** What source policies have in its place. */
async function allowed(
  operation: HttpOperation | GitOperation,
  { policies = [] }: ContextOptions,
): Promise<HttpOperation | GitOperation> {
  if (policies.length === 0) return operation;
  const { remoteByPolicy } = await import('../policy/source-policy.js');
  return remoteByPolicy(policies, operation);
}

/** BUILDKIT_CONTEXT_KEEP_GIT_DIR; unlike the flag of ADD it contradicts no address. */
function keepGitDirOf(remote: RemoteSource, { keepGitDir }: ContextOptions): { readonly keepGitDir?: true } {
  const isOpen = remote.kind === 'git' && remote.keepGitDir === undefined;
  return isOpen && keepGitDir === true ? { keepGitDir } : {};
}

/**
 * Takes a tar archive, compressed or not, for a build context. Nothing of it is unpacked into files: it is kept, uncompressed, in
 * the store's temporary folder until the store is closed.
 * @throws `CONTEXT_INVALID` when it is damaged or too large, `ABORTED`
 */
export async function unpackContext(
  source: AsyncIterable<Uint8Array>,
  { temporaryDirectory }: Pick<SourceFetcherParts['store'], 'temporaryDirectory'>,
  { signal, maxBytes = DEFAULT_MAX_BYTES }: ContextOptions,
): Promise<ContextFile> {
  const path = join(temporaryDirectory, `context-${++contexts}.tar`);
  try {
    await using file = await open(path, 'wx', 0o600);
    let size = 0;
    for await (const chunk of decompress(source)) {
      signal.throwIfAborted();
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      await file.writeFile(chunk);
    }
    return { kind: 'archive', path };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Of this process: names within its own temporary folder. */
let contexts = 0;

/**
 * A small file of a fetched context, links followed within it.
 * @returns `undefined` when there is none
 * @throws `CONTEXT_INVALID` for an archive that is damaged, or more than `maxBytes`
 */
export async function readContextFile(
  context: ContextFile,
  path: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const { tree } = await describing('', () => openContextFile(context));
  const resolved = resolveInTree(tree, bytesOfText(path), { followLast: true });
  if (resolved === undefined || tree.lstat(resolved)?.type !== 'file') return undefined;
  return await collect(chunks(tree.read(resolved)), maxBytes, () => tooLong(path, maxBytes));
}

async function* chunks(source: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* source;
  await Promise.resolve();
}

async function headOf(path: string): Promise<Buffer> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(ARCHIVE_HEAD), 0, ARCHIVE_HEAD, 0);
  return buffer.subarray(0, bytesRead);
}

/** What is wrong with an archive is told of layers elsewhere; here it is the build context. */
export async function describing<T>(shown: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isTsbuildError(error, 'LAYER_INVALID')) throw error;
    const state = error.message.slice(error.message.indexOf(': ') + 2);
    const object = shown === '' ? 'the build context' : `build context ${shown}`;
    throw new TsbuildError('CONTEXT_INVALID', `cannot use ${object}: ${state}`, { hint: error.hint, cause: error });
  }
}

function tooLarge(maxBytes: number): TsbuildError {
  return new TsbuildError(
    'CONTEXT_INVALID',
    `cannot use the build context: it unpacks to more than ${maxBytes} bytes`,
    {
      hint: 'Unpack it yourself and give the folder, or leave out what the build does not need.',
    },
  );
}

function tooLong(path: string, maxBytes: number): TsbuildError {
  return new TsbuildError(
    'CONTEXT_INVALID',
    `cannot read "${path}" in the build context: more than ${maxBytes} bytes`,
    {
      hint: 'That is no Dockerfile; check its name.',
    },
  );
}
