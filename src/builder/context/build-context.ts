import { statSync } from 'node:fs';
import { createDirectoryTree } from '../../layers/directory-tree.js';
import { EMPTY_TREE } from '../../layers/tree.js';
import { createIgnoreMatcher } from '../../parser/ignore-file.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { invariant } from '../../support/invariant.js';
import type { BuildRequest, ContextFile } from '../build-request.js';
import type { ContextOperation } from '../operation.js';
import type { TreeResult } from '../operations/result.js';
import type { ContextIndexes } from './context-index.js';
import { FolderMemory } from './folder-memory.js';
import { IgnoringTree } from './ignoring-tree.js';
import { ReadableTree } from './readable-tree.js';

type Contexts = Pick<BuildRequest, 'contextDirectory' | 'contextFile' | 'ignore' | 'namedContexts'>;

const PLAIN = { kind: 'tree', description: 'the build context', ignored: () => false } as const;

/**
 * The files of the build context, or of a named one: of a folder those that its ignore file leaves, of an archive all. None when
 * there is no context.
 */
export async function openBuildContext(
  request: Contexts,
  { name }: ContextOperation,
  indexes: ContextIndexes,
): Promise<TreeResult> {
  if (name !== undefined) return openNamedContext(request, name, indexes);
  if (request.contextFile !== undefined) return await openContextFile(request.contextFile);
  if (request.contextDirectory === null) return { ...PLAIN, tree: EMPTY_TREE };
  return openFolder(request.contextDirectory, request.ignore, indexes);
}

function openNamedContext({ namedContexts = [] }: Contexts, name: string, indexes: ContextIndexes): TreeResult {
  const context = namedContexts.find((one) => one.name === name)?.source;
  invariant(context?.kind === 'directory', `the build context "${name}" is a folder`);
  const { directory, ignore } = context;
  return { ...openFolder(directory, ignore, indexes), description: `the build context "${name}"` };
}

function openFolder(directory: string, ignore: BuildRequest['ignore'], indexes: ContextIndexes): TreeResult {
  const index = indexes.of(directory);
  const files = createDirectoryTree(directory);
  const tree = new ReadableTree(files);
  const hashed = { state: files.state.bind(files), read: tree.read.bind(tree) };
  const hash = (path: ByteString): string => index.hash(hashed, path);
  const memory = { ...indexes.options, directory, index };
  if (ignore === null) {
    return {
      ...PLAIN,
      tree: new IgnoringTree(tree, null, hash),
      memory: new FolderMemory({ ...memory, ignore: null }),
    };
  }
  const matcher = createIgnoreMatcher(ignore.text, { file: ignore.name });
  const skips = (path: ByteString, isDirectory: boolean): boolean => {
    const text = textOfBytes(path);
    return matcher.ignores(text) && !(isDirectory && matcher.mayContainIncluded(text));
  };
  return {
    ...PLAIN,
    memory: new FolderMemory({ ...memory, ignore: ignore.text, skips }),
    tree: new IgnoringTree(tree, matcher, hash),
    ignored: (path) => matcher.ignores(path),
    ignoredBy: (path) => matcher.ignoredBy(path),
  };
}

/** @throws `LAYER_INVALID` for an archive that is damaged */
export async function openContextFile(file: ContextFile): Promise<TreeResult> {
  if (file.kind === 'archive') {
    const { openTarTree } = await import('../../layers/tar-tree.js');
    return { ...PLAIN, tree: await openTarTree(file.path), hasOwners: true };
  }
  const { createFileTree } = await import('../sources/file-tree.js');
  const { path, name, modified } = file;
  const { size } = statSync(path);
  return { ...PLAIN, tree: createFileTree({ path, name, size, mtime: { seconds: modified, nanoseconds: 0 } }) };
}
