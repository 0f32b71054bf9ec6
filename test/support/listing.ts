import { createHash } from 'node:crypto';
import type { Change } from '../../src/layers/change.js';
import type { TarEntry } from '../../src/layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../src/layers/tree.js';
import { textOfBytes, type ByteString } from '../../src/support/byte-string.js';

export interface ListingOptions {
  /** Whether modification times are in it. */
  readonly times?: boolean;
}

/** A tree as lines a person can read: `path type mode uid:gid [=link] ["content"] [xattrs]`, sorted. */
export function listTree(tree: Tree, options: ListingOptions = {}): string[] {
  const lines: string[] = [];
  const visit = (path: ByteString): void => {
    for (const name of tree.list(path)) {
      const child = (path === '' ? name : `${path}/${name}`) as ByteString;
      const entry = tree.lstat(child);
      if (entry === undefined) throw new Error(`listed and not there: ${child}`);
      const content =
        entry.type === 'file' ? Buffer.concat([...tree.read(child)].map((chunk) => Buffer.from(chunk))) : undefined;
      lines.push(line(child, { ...entry, xattrs: tree.xattrs(child) }, { content, ...options }));
      if (entry.type === 'directory') visit(child);
    }
  };
  visit('' as ByteString);
  return lines;
}

/** Changes as such lines, in their order; deletions as `path deleted`. */
export async function listChanges(changes: AsyncIterable<Change>, options: ListingOptions = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const change of changes) {
    if (change.kind !== 'upsert') {
      lines.push(`${textOfBytes(change.path)} ${change.kind === 'delete' ? 'deleted' : 'opaque'}`);
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of change.open?.() ?? []) chunks.push(Buffer.from(chunk));
    const content = change.entry.type === 'file' ? Buffer.concat(chunks) : undefined;
    lines.push(line(change.entry.path, change.entry, { content, ...options }));
  }
  return lines;
}

type Described = Omit<TreeEntry, 'inode' | 'type'> & Pick<TarEntry, 'xattrs'> & { readonly type: string };

function line(
  path: ByteString,
  entry: Described,
  { content, times }: { readonly content?: Buffer | undefined } & ListingOptions,
): string {
  const { type, mode, uid, gid, mtime, linkTarget, device, xattrs } = entry;
  const attributes = [...xattrs].map(([name, value]) => `${name}:${Buffer.from(value).toString('hex')}`).sort();
  return [
    textOfBytes(path),
    type,
    // The mode of a link means nothing, and differs between file systems.
    ...(type === 'symlink' ? [] : [mode.toString(8)]),
    `${uid}:${gid}`,
    ...(linkTarget === undefined ? [] : [`=${textOfBytes(linkTarget)}`]),
    ...(device === undefined ? [] : [`${device.major},${device.minor}`]),
    ...(content === undefined ? [] : [summary(content)]),
    ...(times === true ? [`@${mtime.seconds}.${mtime.nanoseconds}`] : []),
    ...attributes,
  ].join(' ');
}

function summary(content: Buffer): string {
  if (content.length <= 40) return JSON.stringify(content.toString('latin1'));
  return `${content.length} bytes ${createHash('sha256').update(content).digest('hex').slice(0, 8)}`;
}
