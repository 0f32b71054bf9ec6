import { createHash, type Hash } from 'node:crypto';
import { zeros } from '../tar/sparse.js';
import { contentKey, type FileContent } from './file-content.js';
import { readContents, type ReadContentsOptions, type WantedContent } from './read-contents.js';
import type { LayerContent } from '../index/layer-content.js';

/**
 * Of contents, by `contentKey`: equal for equal bytes. A hole of more than 64 MiB counts as one: a file that has as many zeros
 * stored in its place is another.
 */
export async function contentDigests(
  contents: Iterable<FileContent>,
  options: ReadContentsOptions,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, Hash>();
  const byLayer = new Map<LayerContent, WantedContent[]>();
  for (const each of contents) {
    const key = contentKey(each);
    if (hashes.has(key)) continue;
    const hash = createHash('sha256');
    hashes.set(key, hash);
    const wanted = byLayer.get(each.content);
    if (wanted === undefined) byLayer.set(each.content, [hashing(each, hash)]);
    else wanted.push(hashing(each, hash));
  }
  for (const [content, wanted] of byLayer) await readContents(content, wanted, options);
  return new Map([...hashes].map(([key, hash]) => [key, hash.digest('hex')]));
}

/** Bytes. The log of last logins claims hundreds of gigabytes where user ids are high. */
const MAX_ZEROS = 64 << 20;

function hashing({ file }: FileContent, hash: Hash): WantedContent {
  return {
    file,
    take: (chunk) => {
      hash.update(chunk);
    },
    skip: (length) => {
      if (length > MAX_ZEROS) hash.update(`\0hole of ${length}\0`);
      else for (const chunk of zeros(length)) hash.update(chunk);
    },
  };
}
