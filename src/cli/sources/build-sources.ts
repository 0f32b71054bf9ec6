import { isAbsolute, posix } from 'node:path';
import type { BuildRequest, ContextFile } from '../../builder/build-request.js';
import type { Toolchain } from '../../toolchain/toolchain-types.js';
import type { ActivityOptions } from '../../toolchain/activity-options.js';
import { TsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import { usageError } from '../argv.js';
import {
  contextDirectory,
  DEFAULT_NAMES,
  isDirectory,
  readDockerfile,
  readIgnoreFile,
  SOURCE_LIMIT,
  type SourceText,
} from './context-files.js';
import { decodeSource } from './decode-source.js';
import type { Host } from '../host.js';
import { isAddress } from './is-address.js';
import { contextOrDockerfile, dockerfileFromStdin } from './standard-input.js';

export type Sources = Pick<BuildRequest, 'dockerfile' | 'contextDirectory' | 'contextFile' | 'ignore'>;

export interface SourceReading {
  readonly host: Host;
  /** Made when the build context has to be fetched or unpacked. */
  readonly toolchain: () => Promise<Toolchain>;
  readonly activity: ActivityOptions;
}

interface Wanted {
  /** The build context as it was given. */
  readonly context: string;
  /** `--file`. */
  readonly file: string | undefined;
  /** The Dockerfile itself, in the place of `file`. */
  readonly inline?: string | undefined;
  /** BUILDKIT_CONTEXT_KEEP_GIT_DIR. */
  readonly keepGitDir?: boolean | undefined;
  /** Of `--secret`, for the git repository that the context may be. */
  readonly secrets?: BuildRequest['secrets'] | undefined;
  /** Of `--source-policy-file`, for a context or a Dockerfile that is elsewhere. */
  readonly sourcePolicies?: BuildRequest['sourcePolicies'];
}

const BUILD = { command: 'tsbuild build' };

/**
 * The Dockerfile and the build context that a command line names, in all forms that docker buildx knows: a folder, `-` for a
 * Dockerfile or an archive on standard input, a git repository, a URL of an archive or of a Dockerfile.
 * @throws `USAGE`, `DOCKERFILE_NOT_FOUND`, `CONTEXT_INVALID`, `SOURCE_UNAVAILABLE`
 */
export async function readSources(wanted: Wanted, reading: SourceReading): Promise<Sources> {
  const { context, file, keepGitDir, secrets, sourcePolicies } = wanted;
  if (context === '-') return await fromStandardInput(file, reading);
  if (isAddress(context) && !(await isDirectory(context, reading.host.cwd))) {
    const toolchain = await reading.toolchain();
    const fetched = await toolchain.fetchContext(context, { ...reading.activity, keepGitDir, secrets, sourcePolicies });
    if (fetched !== undefined) return await withinContext(fetched, wanted, reading);
  }
  return await fromDirectory(wanted, reading);
}

async function fromStandardInput(file: string | undefined, reading: SourceReading): Promise<Sources> {
  if (file === '-') throw usageError(BUILD, 'cannot use "-" twice: standard input is the context or the Dockerfile');
  const input = await contextOrDockerfile(reading.host);
  if (input.kind === 'archive') {
    const toolchain = await reading.toolchain();
    const context = await toolchain.unpackContext(input.bytes, reading.activity);
    return await withinContext(context, { context: '-', file }, reading);
  }
  if (file === undefined) return { dockerfile: input.dockerfile, contextDirectory: null, ignore: null };
  throw usageError(BUILD, `cannot use -f "${file}": the Dockerfile already comes from standard input, given as "-"`);
}

async function fromDirectory(wanted: Wanted, reading: SourceReading): Promise<Sources> {
  const { context, file, inline } = wanted;
  const { host } = reading;
  const directory = contextDirectory(context, host.cwd);
  if (inline !== undefined) {
    const dockerfile = { name: file ?? 'Dockerfile', text: inline };
    return { dockerfile, contextDirectory: directory, ignore: await readIgnoreFile(directory, undefined) };
  }
  if (file === '-' || (file !== undefined && /^https?:\/\//.test(file))) {
    const dockerfile = await elsewhere(file, wanted, reading);
    return { dockerfile, contextDirectory: directory, ignore: await readIgnoreFile(directory, undefined) };
  }
  const { path, ...dockerfile } = await readDockerfile(file, { context: directory, cwd: host.cwd });
  return { dockerfile, contextDirectory: directory, ignore: await readIgnoreFile(directory, path) };
}

/** The Dockerfile is read in the context, unless it comes from standard input, a URL or an absolute path. No ignore file counts. */
async function withinContext(contextFile: ContextFile, wanted: Wanted, reading: SourceReading): Promise<Sources> {
  const { file } = wanted;
  const sources = { contextDirectory: null, contextFile, ignore: null };
  if (wanted.inline !== undefined)
    return { ...sources, dockerfile: { name: file ?? 'Dockerfile', text: wanted.inline } };
  if (contextFile.kind === 'file') {
    const text = await contextText(contextFile, contextFile.name, reading);
    return { ...sources, dockerfile: { name: file ?? 'Dockerfile', text: text ?? '' } };
  }
  if (file !== undefined && isOutside(file)) return { ...sources, dockerfile: await elsewhere(file, wanted, reading) };
  const names = file === undefined ? DEFAULT_NAMES : namesOf(file);
  for (const name of names) {
    const text = await contextText(contextFile, name, reading);
    if (text !== undefined) return { ...sources, dockerfile: { name: file ?? name, text } };
  }
  throw notInContext(wanted, names);
}

/** Of a Dockerfile that is not in a context that was fetched. */
function isOutside(file: string): boolean {
  return file === '-' || isAbsolute(file) || /^https?:\/\//.test(file);
}

/** `Dockerfile` may be spelled with a small letter, in any folder, as with BuildKit. */
function namesOf(file: string): readonly string[] {
  const path = posix.join('/', file).slice(1);
  return posix.basename(path) === 'Dockerfile' ? [path, posix.join(posix.dirname(path), 'dockerfile')] : [path];
}

async function contextText(
  context: ContextFile,
  name: string,
  { toolchain }: SourceReading,
): Promise<string | undefined> {
  const bytes = await (await toolchain()).readContextFile(context, name, SOURCE_LIMIT);
  if (bytes === undefined) return undefined;
  return decodeSource(bytes, { shown: name, code: 'DOCKERFILE_NOT_FOUND', what: 'Dockerfile' });
}

async function elsewhere(file: string, { sourcePolicies }: Wanted, reading: SourceReading): Promise<SourceText> {
  const { host } = reading;
  if (file === '-') return await dockerfileFromStdin(host);
  if (isAbsolute(file)) return await readDockerfile(file, { context: host.cwd, cwd: host.cwd });
  const toolchain = await reading.toolchain();
  const fetched = await toolchain.fetchContext(file, { ...reading.activity, sourcePolicies });
  if (fetched?.kind !== 'file') {
    throw new TsbuildError('DOCKERFILE_NOT_FOUND', `cannot read Dockerfile "${file}": it is no text`, {
      hint: 'Give the URL of the Dockerfile itself; an archive or a repository is given as the build context.',
    });
  }
  const text = await contextText(fetched, fetched.name, reading);
  return { name: 'Dockerfile', text: text ?? '' };
}

function notInContext({ file }: Wanted, names: readonly string[]): TsbuildError {
  const shown = file ?? 'Dockerfile';
  const near = suggest(shown, DEFAULT_NAMES);
  return new TsbuildError('DOCKERFILE_NOT_FOUND', `cannot read Dockerfile "${shown}": the build context has none`, {
    hint:
      near === undefined || file === undefined
        ? `Looked for ${names.join(' and ')} in the context itself: name the Dockerfile with -f, from its root on.`
        : `Did you mean -f ${near}?`,
  });
}
