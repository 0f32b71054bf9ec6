import type { ByteString } from '../../support/byte-string.js';
import { resolveInTree } from '../resolve-in-tree.js';
import type { LayerContent } from '../index/layer-content.js';
import type { NodesTree } from '../index/nodes-tree.js';
import { zeros } from '../tar/sparse.js';
import { contentOf } from './file-content.js';
import { readContents, type ReadContentsOptions, type WantedContent } from './read-contents.js';

export interface SmallFilesOptions {
  /** Bytes. Larger files are left out. */
  readonly maxBytes: number;
}

/**
 * Files of a tree, each whole, links followed within it; those that are missing, empty or no files are left out.
 * @throws as `readContents`
 */
export async function readSmallFiles(
  tree: NodesTree,
  paths: Iterable<ByteString>,
  options: SmallFilesOptions & ReadContentsOptions,
): Promise<ReadonlyMap<ByteString, Buffer>> {
  const byLayer = new Map<LayerContent, Gathered[]>();
  for (const path of paths) {
    const resolved = resolveInTree(tree, path, { followLast: true });
    const node = resolved === undefined ? undefined : tree.find(resolved);
    const found = node === undefined ? undefined : contentOf(node);
    if (found === undefined || found.file.size > options.maxBytes) continue;
    const gathered = byLayer.get(found.content) ?? [];
    byLayer.set(found.content, gathered);
    const same = gathered.find(({ wanted }) => wanted.file === found.file);
    if (same === undefined) gathered.push(gathering(path, found.file));
    else same.paths.push(path);
  }
  const read = new Map<ByteString, Buffer>();
  for (const [content, gathered] of byLayer) {
    await readContents(
      content,
      gathered.map(({ wanted }) => wanted),
      options,
    );
    for (const { paths: names, chunks } of gathered) for (const name of names) read.set(name, Buffer.concat(chunks));
  }
  return read;
}

interface Gathered {
  readonly paths: ByteString[];
  readonly wanted: WantedContent;
  readonly chunks: Buffer[];
}

function gathering(path: ByteString, file: WantedContent['file']): Gathered {
  const chunks: Buffer[] = [];
  const wanted: WantedContent = {
    file,
    take: (chunk) => {
      // The bytes are their owner's again after this call.
      chunks.push(Buffer.from(chunk));
    },
    skip: (length) => {
      for (const chunk of zeros(length)) chunks.push(Buffer.from(chunk));
    },
  };
  return { paths: [path], wanted, chunks };
}
