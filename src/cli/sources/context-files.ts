import { accessSync, constants, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { systemErrorCode, TsbuildError, type ErrorCode, type ErrorOptions } from '../../support/errors.js';
import { readUpTo } from '../../support/read-up-to.js';
import { suggest } from '../../support/suggest.js';
import { decodeSource } from './decode-source.js';

export interface SourceText {
  /** What it goes by in messages. */
  readonly name: string;
  readonly text: string;
}

/** Dockerfiles and ignore files are written by hand: what is larger is something else. */
export const SOURCE_LIMIT: number = 1024 * 1024;

export const DEFAULT_NAMES: readonly string[] = ['Dockerfile', 'dockerfile'];

/** Whether there is a folder of that path, whatever else the words could mean. */
export async function isDirectory(path: string, cwd: string): Promise<boolean> {
  const status = await stat(resolve(cwd, path)).catch(() => undefined);
  return status?.isDirectory() === true;
}

/**
 * The folder that a build reads, as an absolute path.
 * @throws `CONTEXT_INVALID` when it is no folder that can be read
 */
export function contextDirectory(path: string, cwd: string): string {
  const absolute = resolve(cwd, path);
  try {
    if (!statSync(absolute).isDirectory()) {
      const hint = `Give the folder that it is in; to name the Dockerfile, use -f ${path}.`;
      throw contextError(path, 'it is a file', { hint });
    }
    accessSync(absolute, constants.R_OK | constants.X_OK);
    return absolute;
  } catch (error) {
    const state = ACCESS_STATES[systemErrorCode(error) ?? ''];
    if (state === undefined) throw error;
    const hint = 'The last argument is the folder whose files COPY and ADD read, often ".".';
    throw contextError(path, state, { hint });
  }
}

const ACCESS_STATES: Readonly<Record<string, string>> = {
  ENOENT: 'no such folder',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
};

function contextError(path: string, state: string, options: ErrorOptions): TsbuildError {
  return new TsbuildError('CONTEXT_INVALID', `cannot use build context "${path}": ${state}`, options);
}

/**
 * Reads the Dockerfile: `file` against `cwd`, as Docker does, or the one that a context has under a usual name.
 * @returns it with its absolute path
 * @throws `DOCKERFILE_NOT_FOUND` when it is missing, no text, too large or no file
 */
export async function readDockerfile(
  file: string | undefined,
  { context, cwd }: { readonly context: string; readonly cwd: string },
): Promise<SourceText & { readonly path: string }> {
  if (file !== undefined) return await readNamed(file, { context, cwd });
  for (const name of DEFAULT_NAMES) {
    const path = join(context, name);
    const text = await readSource(path, { shown: name, code: 'DOCKERFILE_NOT_FOUND', what: 'Dockerfile' });
    if (text !== undefined) return { name, path, text };
  }
  const near = await nearMisses(context);
  throw new TsbuildError(
    'DOCKERFILE_NOT_FOUND',
    `cannot find a Dockerfile in "${shownFolder(context, cwd)}": neither ${DEFAULT_NAMES.join(' nor ')} is there`,
    {
      hint:
        near.length === 0
          ? 'Name the Dockerfile with -f.'
          : `There is ${near.join(', ')}: name the one that you mean with -f.`,
    },
  );
}

async function readNamed(
  file: string,
  { context, cwd }: { readonly context: string; readonly cwd: string },
): Promise<SourceText & { readonly path: string }> {
  const path = resolve(cwd, file);
  const text = await readSource(path, { shown: file, code: 'DOCKERFILE_NOT_FOUND', what: 'Dockerfile' });
  if (text !== undefined) return { name: file, path, text };
  throw new TsbuildError('DOCKERFILE_NOT_FOUND', `cannot read Dockerfile "${file}": no such file`, {
    hint: await missingHint(file, { context, cwd }),
  });
}

async function missingHint(
  file: string,
  { context, cwd }: { readonly context: string; readonly cwd: string },
): Promise<string> {
  const looked = '-f is read from the current folder, not from the build context';
  if (!isAbsolute(file) && (await isFile(join(context, file)))) {
    return `The build context has one: ${looked}, so give -f ${relative(cwd, join(context, file))}.`;
  }
  const folder = dirname(resolve(cwd, file));
  const near = suggest(basename(file), await namesIn(folder));
  return near === undefined ? `Check the path: ${looked}.` : `Did you mean -f ${join(dirname(file), near)}?`;
}

async function isFile(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  return status?.isFile() === true;
}

/** Other files that are Dockerfiles by their name. */
async function nearMisses(folder: string): Promise<readonly string[]> {
  const names = await namesIn(folder);
  return names.filter((name) => /dockerfile|containerfile/i.test(name) && !name.endsWith('.dockerignore')).slice(0, 5);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch((): string[] => [])).sort();
}

function shownFolder(context: string, cwd: string): string {
  return context === cwd ? '.' : relative(cwd, context);
}

/**
 * The ignore file of a build: `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the context.
 * @throws `CONTEXT_INVALID` when it is there and cannot be read
 */
export async function readIgnoreFile(context: string, dockerfilePath: string | undefined): Promise<SourceText | null> {
  const own = dockerfilePath === undefined ? [] : [`${dockerfilePath}.dockerignore`];
  for (const path of [...own, join(context, '.dockerignore')]) {
    const name = basename(path);
    const text = await readSource(path, { shown: name, code: 'CONTEXT_INVALID', what: 'ignore file' });
    if (text !== undefined) return { name, text };
  }
  return null;
}

/**
 * A text file that an option names.
 * @throws `CONTEXT_INVALID` when it is missing or cannot be read
 */
export async function readOptionFile(path: string, cwd: string, what: string): Promise<SourceText> {
  const kind: SourceKind = { shown: path, code: 'CONTEXT_INVALID', what };
  const text = await readSource(resolve(cwd, path), kind);
  if (text === undefined)
    throw sourceError(kind, 'no such file', { hint: 'Its path is read from the current folder.' });
  return { name: path, text };
}

/** A text file that need not be there. @throws the kind's code when it cannot be read */
export async function readOptionalFile(path: string, kind: SourceKind): Promise<string | undefined> {
  return await readSource(path, kind);
}

interface SourceKind {
  readonly shown: string;
  readonly code: ErrorCode;
  readonly what: string;
}

/** @returns `undefined` when there is nothing under that path */
async function readSource(path: string, kind: SourceKind): Promise<string | undefined> {
  try {
    // -f may name a pipe: -f <(generate).
    const bytes = await readUpTo(path, SOURCE_LIMIT);
    if (bytes === undefined) return undefined;
    if (bytes.length > SOURCE_LIMIT) throw tooLarge(kind);
    return decodeSource(bytes, kind);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') throw sourceError(kind, 'it is a folder', { hint: `Give the ${kind.what} itself.` });
    const state = ACCESS_STATES[code ?? ''];
    if (state === undefined) throw error;
    throw sourceError(kind, state, { hint: 'Check who may read it.' });
  }
}

function tooLarge(kind: SourceKind): TsbuildError {
  return sourceError(kind, 'it is larger than 1 MiB', { hint: `That is no ${kind.what}; check the path.` });
}

function sourceError({ shown, code, what }: SourceKind, state: string, options: ErrorOptions): TsbuildError {
  return new TsbuildError(code, `cannot read ${what} "${shown}": ${state}`, options);
}
