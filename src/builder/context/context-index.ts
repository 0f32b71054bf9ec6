import { createHash } from 'node:crypto';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { FileState, StatedTree } from '../../layers/stated-tree.js';
import type { RecordStore } from '../../store/record-store.js';
import type { ByteString } from '../../support/byte-string.js';
import { FileTable } from './file-table.js';

export interface ContextIndexOptions {
  readonly records: Pick<RecordStore, 'load' | 'save'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Files beyond these are hashed each time: some 100 bytes of index each. */
const MAX_FILES = 500_000;
/** Beyond these, files that a build has not looked at are forgotten: they may be gone. */
const MAX_UNSEEN = 100_000;
/** Of a clock tick of the kernel, by which files are dated, several. */
const TICK_NS = 100_000_000n;
const SECOND_NS = 1_000_000_000n;
/** Of file systems that date files by whole seconds, or by two of them. */
const COARSE_NS = 2n * SECOND_NS + TICK_NS;

/**
 * Remembers the hashes of files of one context folder by what lstat(2) says of them, as git's index does. A file that was changed
 * within the clock's resolution before it was hashed is not remembered: one more change might leave no trace (git's "racily clean"
 * entries). Times of change cannot be set back, so a file whose modification time was is another all the same.
 */
export class ContextIndex {
  readonly #options: ContextIndexOptions;
  readonly #directory: string;
  /** Of another build; nothing until it is loaded. */
  #known: FileTable | undefined;
  readonly #seen = new FileTable();
  readonly #added = new Set<ByteString>();
  #changed = false;
  /** What else is known of the folder, by its key. */
  readonly #kept = new Map<Digest, unknown>();

  /** @param directory absolute */
  constructor(directory: string, options: ContextIndexOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** Before the first `hash`. What cannot be read as an index is none. */
  async load(): Promise<void> {
    if (this.#known !== undefined) return;
    const known = FileTable.decode(await this.#options.records.load('context', keyOf(this.#directory)), MAX_FILES);
    this.#known ??= known ?? new FileTable();
  }

  /** Hexadecimal SHA-256 of a file's content, which is read only when it is not known. @throws what reading the tree throws */
  hash(tree: Pick<StatedTree, 'state' | 'read'>, path: ByteString): string {
    const state = tree.state(path);
    if (state === undefined) return hashOf(tree.read(path));
    const table = this.#added.has(path) ? this.#seen : this.#known;
    const known = table?.find(path, state);
    const hash = known ?? this.#read(tree, path, state);
    if (known !== undefined && !this.#added.has(path)) this.#add(path, state, known);
    return hash;
  }

  /** What is changed while it is read, or later, has another time of change than it had before it was read. */
  #read(tree: Pick<StatedTree, 'read'>, path: ByteString, before: FileState): string {
    const startedAt = this.#options.now();
    const hash = hashOf(tree.read(path));
    this.#changed = true;
    if (!this.#added.has(path) && !isRacy(changedAt(before), startedAt)) this.#add(path, before, hash);
    return hash;
  }

  #add(path: ByteString, state: FileState, hash: string): void {
    if (this.#seen.size >= MAX_FILES) return;
    this.#added.add(path);
    this.#seen.add(path, state, hash);
  }

  /** A record that is to be saved with the index. */
  keep(key: Digest, record: unknown): void {
    this.#kept.set(key, record);
  }

  /** For the next build; nothing is written when nothing is new. */
  async save(): Promise<void> {
    for (const [key, record] of this.#kept) await this.#options.records.save('context', key, record);
    this.#kept.clear();
    if (!this.#changed || this.#known === undefined) return;
    this.#changed = false;
    if (this.#known.size <= MAX_UNSEEN) this.#seen.addUnknownOf(this.#known);
    await this.#options.records.save('context', keyOf(this.#directory), this.#seen.encode());
  }
}

/** The indexes of the folders that one build reads. */
export class ContextIndexes {
  readonly #options: ContextIndexOptions;
  readonly #open = new Map<string, ContextIndex>();

  constructor(options: ContextIndexOptions) {
    this.#options = options;
  }

  get options(): ContextIndexOptions {
    return this.#options;
  }

  of(directory: string): ContextIndex {
    const index = this.#open.get(directory) ?? new ContextIndex(directory, this.#options);
    this.#open.set(directory, index);
    return index;
  }

  async save(): Promise<void> {
    for (const index of this.#open.values()) await index.save();
  }
}

function keyOf(directory: string): ReturnType<typeof digestOf> {
  return digestOf(`context ${directory}`);
}

function hashOf(content: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}

function changedAt({ mtimeNs, ctimeNs }: FileState): bigint {
  return mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
}

/**
 * Whether one more change might leave no trace.
 * @param changed nanoseconds since the epoch
 * @param readAt milliseconds since the epoch
 */
export function isRacy(changed: bigint, readAt: number): boolean {
  const resolution = changed % SECOND_NS === 0n ? COARSE_NS : TICK_NS;
  return changed > BigInt(Math.floor(readAt)) * 1_000_000n - resolution;
}
