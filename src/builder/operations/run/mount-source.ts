import { resolveInTree } from '../../../layers/resolve-in-tree.js';
import type { Tree, TreeEntry } from '../../../layers/tree.js';
import type { Digest } from '../../../oci/digest.js';
import { baseName, parentPath } from '../../../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../../../support/byte-string.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../../support/errors.js';
import { invariant } from '../../../support/invariant.js';
import type { SourceRange } from '../../../support/source-range.js';
import { suggest } from '../../../support/suggest.js';
import { canonicalJson } from '../../../oci/canonical-json.js';
import type { KeptFiles } from '../../explain/file-list.js';
import type { RunMount } from '../../operation.js';
import { digestSelection } from '../copy/content-digest.js';
import { EVERYTHING } from '../copy/copy-filter.js';
import type { Result } from '../result.js';

/** What a mount takes of one of the inputs of a step. */
export interface MountSource {
  readonly result: Result;
  /** Below the input's root. */
  readonly path: string;
  readonly target: string;
}

/** What a mount takes of the step's inputs; `undefined` for one that takes nothing. */
export function sourceOfMount(mount: RunMount, inputs: readonly Result[]): MountSource | undefined {
  if (mount.type !== 'cache' && mount.type !== 'bind') return undefined;
  const taken = mount.type === 'cache' ? mount.from : mount;
  if (taken === undefined) return undefined;
  const result = inputs[taken.input];
  invariant(result !== undefined, 'a mount takes an input that there is');
  return { result, path: taken.path, target: mount.target };
}

/** Files of this host belong to root, whoever owns them there; those of stages, images and archives to whom they say. */
export function ownershipOf(result: Result): 'root' | 'kept' {
  return result.kind === 'tree' && result.hasOwners !== true ? 'root' : 'kept';
}

/** Something in a tree, its symbolic links resolved. */
export interface Found {
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

/** @throws `DOCKERFILE_SEMANTICS` when it is not there */
export function findInTree(tree: Tree, { result, path: text, target }: MountSource): Found {
  const asked = bytesOfText(text.replace(/^\/+/, ''));
  const path = resolveInTree(tree, asked, { followLast: true });
  const entry = path === undefined ? undefined : tree.lstat(path);
  if (path !== undefined && entry !== undefined) return { path, entry };
  const [where, ignored] =
    result.kind === 'tree' ? [result.description, result.ignored(textOfBytes(asked))] : ['the image or stage', false];
  if (ignored) {
    throw new TsbuildError(
      'DOCKERFILE_SEMANTICS',
      `cannot mount "${text}": the ignore file leaves it out of ${where}`,
      {
        hint: `Add "!${textOfBytes(asked)}" at the end of the ignore file to take it in.`,
        details: { word: text },
      },
    );
  }
  const parent = parentPath(asked);
  const siblings = tree.lstat(parent)?.type === 'directory' ? tree.list(parent).map(textOfBytes) : [];
  const near = suggest(textOfBytes(baseName(asked)), siblings);
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot mount "${text}" on "${target}": not found in ${where}`, {
    hint: near === undefined ? `The source is relative to the root of ${where}.` : `Did you mean "${near}"?`,
    details: { word: text },
  });
}

/** By the result that it is of, and by path: what a result holds does not change. */
const DIGESTS = new WeakMap<Result, Map<string, Promise<SeenFiles>>>();

/** What a mount shows. */
export interface SeenFiles {
  readonly digest: Digest;
  readonly files: KeptFiles;
}

/** Of all that can be seen below a path; computed once. @param open gives the files of the source's result */
export function digestBelow(source: MountSource, open: () => Promise<Tree>): Promise<SeenFiles> {
  const { result, path } = source;
  const known = DIGESTS.get(result) ?? new Map<string, Promise<SeenFiles>>();
  DIGESTS.set(result, known);
  const digest = known.get(path) ?? computeDigest(source, open);
  known.set(path, digest);
  return digest;
}

async function computeDigest(source: MountSource, open: () => Promise<Tree>): Promise<SeenFiles> {
  const tree = await open();
  const { path, entry } = findInTree(tree, source);
  const name = entry.type === 'directory' ? path : baseName(path);
  const { result } = source;
  const memory = result.kind === 'tree' ? result.memory : undefined;
  const origin = { tree, description: '', ignoredBy: () => undefined, ownership: ownershipOf(result), memory };
  return await digestSelection(origin, canonicalJson({ mount: path }), [{ path, name, entry, filter: EVERYTHING }]);
}

/** Does something that reads files of the user; what may not be read is told as an error of theirs, in the place of the step. */
export async function located<T>(source: SourceRange | undefined, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw relocated(error, source);
  }
}

function relocated(error: unknown, source: SourceRange | undefined): unknown {
  if (isTsbuildError(error)) {
    if (error.source !== undefined || source === undefined) return error;
    const { code, message, hint, details, cause } = error;
    return new TsbuildError(code, message, { hint, details, cause, source });
  }
  const code = systemErrorCode(error);
  if (!(error instanceof Error) || (code !== 'EACCES' && code !== 'EPERM')) return error;
  return new TsbuildError('CONTEXT_INVALID', `cannot read what is to be mounted: ${error.message}`, {
    hint: 'Make the files readable, or name them in the ignore file.',
    cause: error,
    source,
  });
}
