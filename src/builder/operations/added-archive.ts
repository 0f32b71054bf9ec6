import type { Tree } from '../../layers/tree.js';
import { textOfBytes } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import type { CopySelection } from './copy-selection.js';

const MAGIC: readonly (readonly [name: string, bytes: string])[] = [
  ['gzip', '1f8b08'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['zstd', '28b52ffd'],
];

/**
 * ADD unpacks archives, known by content (dockerfile.md 97). To copy one as it is would be another image than BuildKit's.
 * @throws `DOCKERFILE_UNSUPPORTED`
 */
export function refuseArchives(tree: Tree, selection: readonly CopySelection[], source: SourceRange | undefined): void {
  for (const { path, entry } of selection) {
    const kind = entry.type === 'file' ? archiveKind(firstChunk(tree, path)) : undefined;
    if (kind === undefined) continue;
    throw new TsbuildError(
      'DOCKERFILE_UNSUPPORTED',
      `cannot add "${textOfBytes(path)}": unpacking a ${kind} archive is not supported yet`,
      {
        hint: 'Unpack it before the build, or COPY it and unpack it in a RUN; COPY takes it as it is.',
        source,
      },
    );
  }
}

function firstChunk(tree: Tree, path: CopySelection['path']): Uint8Array {
  for (const chunk of tree.read(path)) return chunk.slice(0, 512);
  return new Uint8Array();
}

function archiveKind(head: Uint8Array): string | undefined {
  const hex = Buffer.from(head).toString('hex');
  const compressed = MAGIC.find(([, magic]) => hex.startsWith(magic));
  if (compressed !== undefined) return compressed[0];
  return Buffer.from(head).toString('latin1', 257, 262) === 'ustar' ? 'tar' : undefined;
}
