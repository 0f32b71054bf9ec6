import { type FileStat, statFile } from './files/file-stat.js';
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fsPath, type ByteString } from '../support/byte-string.js';
import { invariant } from '../support/invariant.js';
import { getXattr, listXattrs } from '../support/syscalls.js';
import { childPath, hostPath, ROOT } from '../support/byte-path.js';
import type { Change } from './change.js';
import { fileEntry, isWhiteout, readFile } from './files/file-entry.js';
import { readLayerXattrs } from './files/layer-xattrs.js';
import type { OwnerMap, Ownership } from './files/ownership.js';
import { OPAQUE_VALUE } from './directory-files.js';
import { sameFile, type FileVersion } from './same-file.js';
import type { EntryType, TarEntry, Timestamp } from './tar-entry.js';
import type { Tree, TreeEntry } from './tree.js';
import { refuseWhiteoutName } from './whiteout.js';

export interface DirectoryDiff {
  /** Absolute path of the directory that was written to. */
  readonly directory: ByteString;
  readonly parent: Tree;
  readonly ownership: Ownership;
  readonly owners: OwnerMap;
  /**
   * Of the upper directory of an overlay, which holds what changed: overlayfs's mark on opaque directories. `null` for a directory
   * that holds all files.
   */
  readonly opaqueXattr: ByteString | null;
  /** Whether a file is known to be the parent's, untouched: spares comparing it. */
  readonly isUntouched?: (path: ByteString, stat: FileStat) => boolean;
}

/**
 * What a process that wrote to a directory has changed against the parent: in each directory first what it deleted, then the rest,
 * both sorted; parents before children.
 *
 * As with BuildKit, a file is changed when its metadata or content is another, not when it was only opened for writing; a directory
 * when its mode, owner or attributes are, not its time; unchanged directories are there when something below them changed;
 * the root is never there; sockets are not; an emptied directory is written as the deletion of each entry; times are whole seconds.
 * @throws `LAYER_INVALID` for a file whose name begins with `.wh.`
 */
export async function* diffDirectory(diff: DirectoryDiff): AsyncGenerator<Change, void, undefined> {
  const links = new Map<string, ByteString>();
  let count = 0;
  for (const change of walk({ diff, links }, { path: ROOT, holdsAll: diff.opaqueXattr === null, pending: undefined })) {
    yield change;
    // The walk itself never waits: let others run.
    if (++count % CHANGES_AT_ONCE === 0) await setImmediate();
  }
}

const CHANGES_AT_ONCE = 256;

interface Walk {
  readonly diff: DirectoryDiff;
  /** The first name of each file that has several. */
  readonly links: Map<string, ByteString>;
}

interface Directory {
  readonly path: ByteString;
  /** Whether what the parent has in it and it has not is gone; else only whiteouts say so. */
  readonly holdsAll: boolean;
  readonly pending: PendingDirectory | undefined;
}

/** A directory that is written only if it, or something below it, has changed. */
interface PendingDirectory {
  readonly change: Change;
  readonly above: PendingDirectory | undefined;
  written: boolean;
}

interface Candidate {
  readonly path: ByteString;
  readonly stat: FileStat;
  readonly host: ByteString;
}

function* walk(state: Walk, directory: Directory): Generator<Change, void, undefined> {
  const { present, absent } = readCandidates(state.diff, directory.path);
  const gone = directory.holdsAll ? missingNames(state.diff.parent, directory.path, present) : absent;
  for (const path of gone) {
    if (state.diff.parent.lstat(path) === undefined) continue;
    yield* writePending(directory.pending);
    yield { kind: 'delete', path };
  }
  for (const candidate of present.values()) {
    if (candidate.stat.isDirectory()) yield* walkDirectory(state, directory, candidate);
    else yield* walkFile(state, directory, candidate);
  }
}

function* walkDirectory(state: Walk, above: Directory, candidate: Candidate): Generator<Change, void, undefined> {
  const { diff } = state;
  const { version, lower } = versions(diff, candidate);
  const change = upsert(candidate.path, version);
  const pending: PendingDirectory = { change, above: above.pending, written: false };
  if (lower === undefined || !sameFile(lower, version)) yield* writePending(pending);
  const opaque = diff.opaqueXattr !== null && getXattr(candidate.host, diff.opaqueXattr)?.equals(OPAQUE_VALUE) === true;
  yield* walk(state, { path: candidate.path, holdsAll: above.holdsAll || opaque, pending });
}

function* walkFile(state: Walk, above: Directory, candidate: Candidate): Generator<Change, void, undefined> {
  const { diff, links } = state;
  const { path, stat } = candidate;
  if (diff.isUntouched?.(path, stat) === true) return;
  const { version, lower } = versions(diff, candidate);
  const { inode } = version.entry;
  // All names of a file are written or none: a layer must hold what its hard links lead to.
  if (inode === null && lower !== undefined && sameFile(lower, version)) return;
  yield* writePending(above.pending);
  const first = inode === null ? undefined : links.get(inode);
  if (inode !== null && first === undefined) links.set(inode, path);
  yield first === undefined ? upsert(path, version) : hardLink(path, version.entry, first);
}

function* writePending(directory: PendingDirectory | undefined): Generator<Change, void, undefined> {
  if (directory === undefined || directory.written) return;
  directory.written = true;
  yield* writePending(directory.above);
  yield directory.change;
}

/** What a directory has, sorted. A whiteout is a file that is not there; nor can a layer hold a socket. */
function readCandidates(
  { directory, opaqueXattr }: DirectoryDiff,
  path: ByteString,
): { readonly present: ReadonlyMap<ByteString, Candidate>; readonly absent: readonly ByteString[] } {
  const present = new Map<ByteString, Candidate>();
  const absent: ByteString[] = [];
  const here = hostPath(directory, path);
  for (const name of (readdirSync(fsPath(here), 'latin1') as ByteString[]).sort()) {
    const host = hostPath(here, name);
    const stat = statFile(host);
    if (stat === undefined) continue;
    const isAbsent = stat.isSocket() || (opaqueXattr !== null && isWhiteout(stat));
    if (isAbsent) absent.push(childPath(path, name));
    else present.set(name, { path: childPath(path, name), stat, host });
  }
  return { present, absent };
}

function missingNames(
  parent: Tree,
  directory: ByteString,
  present: ReadonlyMap<ByteString, unknown>,
): readonly ByteString[] {
  const names = parent.list(directory).filter((name) => !present.has(name));
  return names.map((name) => childPath(directory, name));
}

interface Versions {
  readonly version: FileVersion;
  readonly lower: FileVersion | undefined;
}

function versions(
  { parent, ownership, owners, opaqueXattr }: DirectoryDiff,
  { path, stat, host }: Candidate,
): Versions {
  const names = listXattrs(host);
  if (opaqueXattr !== null) refuseRedirects(names);
  const version: FileVersion = {
    entry: fileEntry(host, stat, { ownership, owner: owners.get(path) }),
    xattrs: readLayerXattrs(host, names),
    read: () => readFile(host),
  };
  const entry = parent.lstat(path);
  const lower = entry && { entry, xattrs: parent.xattrs(path), read: () => parent.read(path) };
  return { version, lower };
}

/** With these, the files of an upper directory are not where they seem, or not whole. Sandboxes mount without them. */
function refuseRedirects(names: readonly ByteString[]): void {
  for (const name of names) {
    const tricky = /^(?:trusted|user)\.overlay\.(?:redirect|metacopy)$/.test(name);
    invariant(!tricky, 'an overlay was mounted with redirect_dir or metacopy');
  }
}

function upsert(path: ByteString, { entry, xattrs, read }: FileVersion): Change {
  const change = { kind: 'upsert', entry: tarEntry(path, entry, xattrs) } as const;
  return entry.type === 'file' ? { ...change, open: read } : change;
}

function hardLink(path: ByteString, { mode, uid, gid, mtime }: TreeEntry, linkTarget: ByteString): Change {
  refuseWhiteoutName(path);
  const entry = { path, type: 'hardlink', mode, uid, gid, size: 0, mtime: wholeSeconds(mtime), linkTarget } as const;
  return { kind: 'upsert', entry: { ...entry, xattrs: new Map() } };
}

function tarEntry(path: ByteString, entry: TreeEntry, xattrs: TarEntry['xattrs']): TarEntry {
  refuseWhiteoutName(path);
  const { mode, uid, gid, size, linkTarget, device } = entry;
  return {
    path,
    type: layerType(entry.type),
    mode,
    uid,
    gid,
    size,
    mtime: wholeSeconds(entry.mtime),
    xattrs,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(device === undefined ? {} : { device }),
  };
}

/** As Docker and BuildKit write the layers of a RUN. */
function wholeSeconds({ seconds }: Timestamp): Timestamp {
  return { seconds, nanoseconds: 0 };
}

function layerType(type: TreeEntry['type']): EntryType {
  invariant(type !== 'socket', 'sockets are passed over');
  return type;
}
