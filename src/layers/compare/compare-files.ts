import { childPath, ROOT } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import { throwIfAborted } from '../../support/byte-streams.js';
import { mtimeOf, treeEntryOf, xattrsOf, type FileNode } from '../index/file-node.js';
import type { NodesTree } from '../index/nodes-tree.js';
import { sameXattrs } from '../same-file.js';
import type { TreeEntry } from '../tree.js';
import { contentDigests } from './content-digests.js';
import { contentKey, contentOf, type FileContent } from './file-content.js';
import type { ReadContentsOptions } from './read-contents.js';
import { namesOfBoth } from './tree-files.js';

/** What of a file is not the same. */
export type FileAspect = 'type' | 'mode' | 'owner' | 'size' | 'content' | 'link' | 'device' | 'xattrs' | 'time';

/** A file that two trees do not have alike; one of `before` and `after` is `undefined` for one that is only in the other. */
export interface ChangedFile {
  readonly path: ByteString;
  readonly before: TreeEntry | undefined;
  readonly after: TreeEntry | undefined;
  /** None for a file that is only in one of them. */
  readonly aspects: readonly FileAspect[];
}

export interface CompareFilesOptions extends ReadContentsOptions {
  /** Whether files that differ in their time only are told of. */
  readonly times: boolean;
}

/**
 * What two trees do not have alike: parents before what is in them, names in the order of their bytes. Contents are read only where
 * files of one size lie in different places.
 * @throws as `readContents`
 */
export async function compareFiles(
  before: NodesTree,
  after: NodesTree,
  options: CompareFilesOptions,
): Promise<readonly ChangedFile[]> {
  const found: Comparison[] = [];
  for (const comparison of compareNodes(before, after, options.times)) {
    throwIfAborted('compare images', options.signal);
    found.push(comparison);
  }
  const digests = await contentDigests(undecided(found), options);
  return found.flatMap(({ contents, ...difference }) => {
    const [one, other] = contents?.map((each) => digests.get(contentKey(each))) ?? [];
    if (one !== other) return [{ ...difference, aspects: withContent(difference.aspects) }];
    const isSame = difference.before !== undefined && difference.after !== undefined && difference.aspects.length === 0;
    return isSame ? [] : [difference];
  });
}

interface Comparison extends ChangedFile {
  /** Which may be the same or not. */
  readonly contents?: readonly [FileContent, FileContent] | undefined;
}

function* undecided(comparisons: readonly Comparison[]): Generator<FileContent, void, undefined> {
  for (const { contents } of comparisons) if (contents !== undefined) yield* contents;
}

/** In the order of `ASPECTS`. */
function withContent(aspects: readonly FileAspect[]): readonly FileAspect[] {
  return ASPECTS.filter((aspect) => aspect === 'content' || aspects.includes(aspect));
}

const ASPECTS: readonly FileAspect[] = ['type', 'mode', 'owner', 'size', 'content', 'link', 'device', 'xattrs', 'time'];

function* compareNodes(before: NodesTree, after: NodesTree, times: boolean): Generator<Comparison, void, undefined> {
  const [old, current] = [before.find(ROOT), after.find(ROOT)];
  // Without any layer there is a root nevertheless.
  const root = { path: ROOT, old: old ?? current, current: current ?? old };
  const waiting: Pair[] = [root];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const comparison = compareNode(pair, times);
    if (comparison !== undefined) yield comparison;
    if (pair.old?.kind !== 'directory' && pair.current?.kind !== 'directory') continue;
    const { path } = pair;
    const inside = namesOfBoth(before, after, path).map(({ name, ...nodes }) => ({
      path: childPath(path, name),
      ...nodes,
    }));
    for (const each of inside.reverse()) waiting.push(each);
  }
}

interface Pair {
  readonly path: ByteString;
  readonly old: FileNode | undefined;
  readonly current: FileNode | undefined;
}

function compareNode({ path, old, current }: Pair, times: boolean): Comparison | undefined {
  if (old === current) return undefined;
  const [before, after] = [sideOf(old), sideOf(current)];
  if (before === undefined || after === undefined) {
    return { path, before: before?.entry, after: after?.entry, aspects: [] };
  }
  const entries = { path, before: before.entry, after: after.entry };
  if (before.entry.type !== after.entry.type) return { ...entries, aspects: ['type'] };
  const differing = ASPECTS.filter((aspect) => (aspect !== 'time' || times) && DIFFERS[aspect](before, after));
  const contents = differing.includes('size') ? undefined : contentsOf(before, after);
  return differing.length === 0 && contents === undefined ? undefined : { ...entries, aspects: differing, contents };
}

interface Side {
  readonly node: FileNode;
  readonly entry: TreeEntry;
}

function sideOf(node: FileNode | undefined): Side | undefined {
  return node === undefined ? undefined : { node, entry: treeEntryOf(node) };
}

type Differs = (one: Side, other: Side) => boolean;

const sizeDiffers: Differs = ({ entry: one }, { entry: other }) => one.type === 'file' && one.size !== other.size;

/** Of two files of one type. Contents of one size are still to be compared. */
const DIFFERS: Readonly<Record<FileAspect, Differs>> = {
  type: () => false,
  mode: ({ entry: one }, { entry: other }) => one.mode !== other.mode,
  owner: ({ entry: one }, { entry: other }) => one.uid !== other.uid || one.gid !== other.gid,
  size: sizeDiffers,
  content: sizeDiffers,
  link: ({ entry: one }, { entry: other }) => one.linkTarget !== other.linkTarget,
  device: ({ entry: { device: one } }, { entry: { device: other } }) =>
    one?.major !== other?.major || one?.minor !== other?.minor,
  xattrs: ({ node: one }, { node: other }) => !sameXattrs(xattrsOf(one), xattrsOf(other)),
  time: ({ node: one }, { node: other }) => !sameTime(one, other),
};

/** `undefined` where they are the same bytes of one layer, or none. */
function contentsOf({ node: old }: Side, { node: current }: Side): Comparison['contents'] {
  const [one, other] = [contentOf(old), contentOf(current)];
  if (one === undefined || other === undefined || contentKey(one) === contentKey(other)) return undefined;
  return [one, other];
}

function sameTime(one: FileNode, other: FileNode): boolean {
  const [mine, theirs] = [mtimeOf(one.look), mtimeOf(other.look)];
  return mine.seconds === theirs.seconds && mine.nanoseconds === theirs.nanoseconds;
}
