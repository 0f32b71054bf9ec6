import { childPath, ROOT } from '../../support/byte-path.js';
import { compareBytes, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { throwIfAborted } from '../../support/byte-streams.js';
import type { Timestamp } from '../../layers/tar-entry.js';
import type { Tree, TreeEntry } from '../../layers/tree.js';
import type { AspectDifference, FileDifference } from './file-difference.js';

/** So many chunks are compared before others have their turn. */
const CHUNKS_A_TURN = 64;

interface Pair {
  readonly first: Tree;
  readonly second: Tree;
}

/** All files of two trees that are not the same, parents before what is in them, names in the order of their bytes. */
export async function* compareTrees(pair: Pair, signal: AbortSignal): AsyncGenerator<FileDifference, void, undefined> {
  const names = new LinkNames(pair);
  const open: ByteString[] = [ROOT];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    throwIfAborted('compare two builds', signal);
    const aspects = await compareFile(pair, path, names);
    if (aspects.length > 0) yield { path: textOfBytes(path), aspects };
    const inside = new Set([...pair.first.list(path), ...pair.second.list(path)]);
    const parent = path;
    open.push(...[...inside].sort((left, right) => compareBytes(right, left)).map((name) => childPath(parent, name)));
  }
}

async function compareFile(pair: Pair, path: ByteString, names: LinkNames): Promise<readonly AspectDifference[]> {
  const [first, second] = [pair.first.lstat(path), pair.second.lstat(path)];
  if (first === undefined || second === undefined) {
    return [{ aspect: 'listed', first: presence(first), second: presence(second) }];
  }
  if (first.type !== second.type) return [{ aspect: 'type', first: first.type, second: second.type }];
  const content = first.type === 'file' ? await compareContent(pair, path, [first, second]) : [];
  return [...content, ...compareEntries(first, second), ...names.compare(path), ...compareAttributes(pair, path)];
}

function presence(entry: TreeEntry | undefined): string {
  return entry === undefined ? 'absent' : entry.type;
}

function compareEntries(first: TreeEntry, second: TreeEntry): readonly AspectDifference[] {
  const shown: readonly (readonly [AspectDifference['aspect'], (entry: TreeEntry) => string])[] = [
    ['mode', ({ mode }) => mode.toString(8).padStart(4, '0')],
    ['owner', ({ uid, gid }) => `${uid}:${gid}`],
    ['time', ({ mtime }) => timeText(mtime)],
    ['link', ({ linkTarget }) => (linkTarget === undefined ? '' : textOfBytes(linkTarget))],
    ['device', ({ device }) => (device === undefined ? '' : `${device.major}:${device.minor}`)],
  ];
  return shown.flatMap(([aspect, text]) => differing(aspect, text(first), text(second)));
}

function differing(aspect: AspectDifference['aspect'], first: string, second: string): readonly AspectDifference[] {
  return first === second ? [] : [{ aspect, first, second }];
}

function timeText({ seconds, nanoseconds }: Timestamp): string {
  const date = new Date(seconds * 1000);
  // Beyond the year 275760 there are no dates in JavaScript.
  const text = Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString().slice(0, 19);
  return `${text}.${String(nanoseconds).padStart(9, '0')}Z`;
}

function compareAttributes({ first, second }: Pair, path: ByteString): readonly AspectDifference[] {
  const [left, right] = [first.xattrs(path), second.xattrs(path)];
  const names = [...new Set([...left.keys(), ...right.keys()])].sort(compareBytes);
  return names.flatMap((name) => {
    const [mine, theirs] = [left.get(name), right.get(name)];
    if (mine !== undefined && theirs !== undefined && Buffer.compare(mine, theirs) === 0) return [];
    const state = (value: Uint8Array | undefined): string =>
      `${textOfBytes(name)} ${value === undefined ? 'absent' : `of ${value.byteLength} bytes`}`;
    return [{ aspect: 'xattr' as const, first: state(mine), second: state(theirs) }];
  });
}

async function compareContent(
  pair: Pair,
  path: ByteString,
  [first, second]: readonly [TreeEntry, TreeEntry],
): Promise<readonly AspectDifference[]> {
  const offset = await firstDifference(pair.first.read(path), pair.second.read(path));
  return [
    ...(offset === undefined ? [] : [{ aspect: 'content' as const, offset }]),
    ...differing('size', String(first.size), String(second.size)),
  ];
}

/** @returns the first byte that is not the same, or that one of them has and the other has not */
async function firstDifference(first: Iterable<Uint8Array>, second: Iterable<Uint8Array>): Promise<number | undefined> {
  using left = new Chunks(first);
  using right = new Chunks(second);
  let offset = 0;
  for (let turn = 1; ; turn += 1) {
    const [mine, theirs] = [left.peek(), right.peek()];
    if (mine === undefined || theirs === undefined) return mine === theirs ? undefined : offset;
    const length = Math.min(mine.length, theirs.length);
    if (Buffer.compare(mine.subarray(0, length), theirs.subarray(0, length)) !== 0) {
      return offset + mine.findIndex((byte, index) => byte !== theirs[index]);
    }
    offset += length;
    left.take(length);
    right.take(length);
    if (turn % CHUNKS_A_TURN === 0) await new Promise(setImmediate);
  }
}

/** A content that is taken in pieces of another's size. */
class Chunks implements Disposable {
  readonly #source: Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: Iterable<Uint8Array>) {
    this.#source = source[Symbol.iterator]();
  }

  peek(): Uint8Array | undefined {
    while (this.#rest.length === 0) {
      const next = this.#source.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    return this.#rest;
  }

  take(length: number): void {
    this.#rest = this.#rest.subarray(length);
  }

  [Symbol.dispose](): void {
    this.#source.return?.();
  }
}

/** Which names are one file: told of the later ones, by the first. */
class LinkNames {
  readonly #pair: Pair;
  readonly #first = new Map<string, ByteString>();
  readonly #second = new Map<string, ByteString>();

  constructor(pair: Pair) {
    this.#pair = pair;
  }

  compare(path: ByteString): readonly AspectDifference[] {
    const of = (tree: Tree, seen: Map<string, ByteString>): string => {
      const inode = tree.lstat(path)?.inode ?? null;
      if (inode === null) return 'a file of its own';
      const known = seen.get(inode);
      if (known === undefined) seen.set(inode, path);
      return known === undefined ? 'a file of its own' : `the same file as ${textOfBytes(known)}`;
    };
    return differing('link', of(this.#pair.first, this.#first), of(this.#pair.second, this.#second));
  }
}
