import { posix } from 'node:path';
import { resolveInTree } from '../../../layers/resolve-in-tree.js';
import type { Tree } from '../../../layers/tree.js';
import { bytesOfText, type ByteString } from '../../../support/byte-string.js';
import { readElfHeader } from './elf-header.js';

/** Kinds of distributions, by how they install packages. */
export type Distribution = 'debian' | 'alpine' | 'fedora' | 'suse' | 'arch';

/** Why a file cannot be started. */
export type ProgramFlaw =
  | { readonly kind: 'missing' | 'not-executable' | 'directory' | 'windows-lines' | 'no-format' }
  /** Its first line names a program that is not there. */
  | { readonly kind: 'interpreter'; readonly interpreter: string }
  /** The program that loads it, and its libraries, is not there. */
  | { readonly kind: 'loader'; readonly loader: string }
  /** It is for another processor than the step. */
  | { readonly kind: 'machine'; readonly architecture: string };

/** What advice asks of the files of an image. */
export interface ImageFacts {
  readonly distribution: Distribution | undefined;
  /** Of the step. */
  readonly cwd: string;
  /** `os/architecture[/variant]` */
  readonly platform: string;
  readonly exists: (path: string) => boolean;
  /** @param program as it was started: a path, or a name for PATH; `undefined` if nothing is wrong with it */
  readonly flawOf: (program: string) => ProgramFlaw | undefined;
}

export interface FactsOfStep {
  readonly cwd: string;
  readonly platform: string;
  /** The value of PATH. */
  readonly searchPath: string;
}

/** Program headers and the loader's path are at the beginning of a program. */
const START_BYTES = 64 << 10;

/** The tree is read when something is asked, and no more of a file than its beginning. */
export function imageFacts(tree: Tree, { cwd, platform, searchPath }: FactsOfStep): ImageFacts {
  const exists = (path: string): boolean => fileAt(tree, posix.resolve(cwd, path)) !== undefined;
  return {
    cwd,
    platform,
    get distribution(): Distribution | undefined {
      return distributionOf(tree);
    },
    exists,
    flawOf: (program): ProgramFlaw | undefined => {
      const path = program.includes('/') ? posix.resolve(cwd, program) : found(tree, program, searchPath);
      if (path === undefined) return { kind: 'missing' };
      return flawOf(tree, path, { exists, platform });
    },
  };
}

function fileAt(tree: Tree, path: string): ByteString | undefined {
  try {
    const resolved = resolveInTree(tree, bytesOfText(path.slice(1)), { followLast: true });
    return resolved !== undefined && tree.lstat(resolved) !== undefined ? resolved : undefined;
  } catch {
    // Links that lead in circles lead nowhere.
    return undefined;
  }
}

function found(tree: Tree, name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .map((folder) => posix.join('/', folder, name))
    .find((path) => fileAt(tree, path) !== undefined);
}

function flawOf(
  tree: Tree,
  path: string,
  { exists, platform }: Pick<ImageFacts, 'exists' | 'platform'>,
): ProgramFlaw | undefined {
  const file = fileAt(tree, path);
  const entry = file === undefined ? undefined : tree.lstat(file);
  if (file === undefined || entry === undefined) return { kind: 'missing' };
  if (entry.type === 'directory') return { kind: 'directory' };
  if (entry.type !== 'file') return undefined;
  if ((entry.mode & 0o111) === 0) return { kind: 'not-executable' };
  const start = beginning(tree, file);
  if (start.subarray(0, 2).toString('latin1') === '#!') return scriptFlaw(start, exists);
  return elfFlaw(start, { exists, platform });
}

function elfFlaw(
  start: Buffer,
  { exists, platform }: Pick<ImageFacts, 'exists' | 'platform'>,
): ProgramFlaw | undefined {
  const header = readElfHeader(start);
  if (header === undefined) return { kind: 'no-format' };
  const [, architecture] = platform.split('/');
  if (header.architecture !== undefined && header.architecture !== architecture) {
    return { kind: 'machine', architecture: header.architecture };
  }
  const { loader } = header;
  return loader === undefined || exists(loader) ? undefined : { kind: 'loader', loader };
}

function scriptFlaw(start: Buffer, exists: ImageFacts['exists']): ProgramFlaw | undefined {
  const [line = ''] = start.toString('utf8').split('\n', 1);
  if (line.endsWith('\r')) return { kind: 'windows-lines' };
  const [interpreter = ''] = line.slice(2).trim().split(/\s+/, 1);
  return interpreter === '' || exists(interpreter) ? undefined : { kind: 'interpreter', interpreter };
}

function beginning(tree: Tree, path: ByteString): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (const chunk of tree.read(path)) {
    chunks.push(Buffer.from(chunk));
    size += chunk.byteLength;
    if (size >= START_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, START_BYTES);
}

const KINDS: readonly (readonly [RegExp, Distribution])[] = [
  [/\b(?:debian|ubuntu)\b/, 'debian'],
  [/\balpine\b/, 'alpine'],
  [/\b(?:fedora|rhel|centos|rocky|almalinux|amzn|ol)\b/, 'fedora'],
  [/\b(?:suse|opensuse)\b/, 'suse'],
  [/\barch\b/, 'arch'],
];

/** By ID and ID_LIKE of os-release(5). */
function distributionOf(tree: Tree): Distribution | undefined {
  const place = ['/etc/os-release', '/usr/lib/os-release'].find((path) => fileAt(tree, path) !== undefined);
  const file = place === undefined ? undefined : fileAt(tree, place);
  if (file === undefined || tree.lstat(file)?.type !== 'file') return undefined;
  const ids =
    beginning(tree, file)
      .toString('utf8')
      .match(/^ID(?:_LIKE)?=.*$/gm) ?? [];
  return KINDS.find(([pattern]) => pattern.test(ids.join(' ').toLowerCase()))?.[1];
}
