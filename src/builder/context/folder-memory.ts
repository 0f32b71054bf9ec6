import { folderState, type FolderState } from '../../layers/folder-state.js';
import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf, isDigest, type Digest } from '../../oci/digest.js';
import { childPath, hostPath } from '../../support/byte-path.js';
import { bytesOfText, type ByteString } from '../../support/byte-string.js';
import { RememberedFiles } from '../explain/file-list.js';
import type { DigestedFiles, ReadFiles, SelectedFile, SelectionMemory } from '../operations/copy/selection-memory.js';
import { isRacy, type ContextIndex, type ContextIndexOptions } from './context-index.js';

const VERSION = 1;
/** Fewer files are looked at sooner than the library is loaded that looks at many. */
const MANY = 2000;

export interface FolderMemoryOptions extends ContextIndexOptions {
  /** Absolute. */
  readonly directory: string;
  /** The text of its ignore file. */
  readonly ignore: string | null;
  /** Whether the ignore file leaves a path out, with all below it. */
  readonly skips?: ((path: ByteString, isDirectory: boolean) => boolean) | undefined;
  /** Is loaded when files are looked at one by one, and takes what is to be remembered. */
  readonly index: Pick<ContextIndex, 'load' | 'keep'>;
}

interface Remembered {
  readonly version: typeof VERSION;
  /** Of the folders that were selected. */
  readonly state: string;
  readonly digest: Digest;
}

/**
 * Knows a selection of many files by the state of the folders it is of (`folderState`): a rebuild in which nothing changed makes one
 * system call a file, and nothing else. The care is that of `ContextIndex`: what was changed within the clock's resolution before it
 * was read is not remembered.
 */
export class FolderMemory implements SelectionMemory {
  readonly #options: FolderMemoryOptions;

  constructor(options: FolderMemoryOptions) {
    this.#options = options;
  }

  async digest(what: string, selection: readonly SelectedFile[], read: () => ReadFiles): Promise<DigestedFiles> {
    const { records, index, directory, ignore, now } = this.#options;
    const isOfFolders = selectsFolders(selection);
    const key = digestOf(canonicalJson(['selection', directory, ignore, what]));
    const list = digestOf(`files of ${key}`);
    const known = isOfFolders ? rememberedOf(await records.load('context', key)) : undefined;
    const startedAt = now();
    const before = known && this.#state(selection);
    if (known !== undefined && before?.digest === known.state) {
      return { digest: known.digest, files: new RememberedFiles(() => records.load('context', list)) };
    }
    await index.load();
    const found = read();
    if (!isOfFolders || found.files.size < MANY || !found.files.isWhole) return found;
    const state = before ?? this.#state(selection);
    if (state !== undefined && !wasJustChanged(state, startedAt)) await this.#remember({ key, list }, state, found);
    return found;
  }

  async #remember(
    { key, list }: { readonly key: Digest; readonly list: Digest },
    state: FolderState,
    { digest, files }: ReadFiles,
  ): Promise<void> {
    const { index } = this.#options;
    index.keep(list, await files.encode());
    index.keep(key, { version: VERSION, state: state.digest, digest } satisfies Remembered);
  }

  #state(selection: readonly SelectedFile[]): FolderState | undefined {
    const { directory, skips } = this.#options;
    const states: FolderState[] = [];
    for (const { path } of selection) {
      const state = folderState(hostPath(bytesOfText(directory), path), {
        skips: skips && ((relative, isDirectory) => skips(childPath(path, relative), isDirectory)),
      });
      if (state === undefined) return undefined;
      states.push(state);
    }
    return together(states, selection);
  }
}

function selectsFolders(selection: readonly SelectedFile[]): boolean {
  return selection.length > 0 && selection.every(({ entry }) => entry.type === 'directory');
}

function together(states: readonly FolderState[], selection: readonly SelectedFile[]): FolderState {
  const newest = (times: readonly bigint[]): bigint => times.reduce((last, time) => (time > last ? time : last), 0n);
  return {
    digest: digestOf(canonicalJson(states.map(({ digest }, number) => [selection[number]?.path ?? '', digest]))),
    files: states.reduce((sum, { files }) => sum + files, 0),
    changedAt: newest(states.map(({ changedAt }) => changedAt)),
    changedAtSecond: newest(states.map(({ changedAtSecond }) => changedAtSecond)),
  };
}

function wasJustChanged({ changedAt, changedAtSecond }: FolderState, startedAt: number): boolean {
  return isRacy(changedAt, startedAt) || isRacy(changedAtSecond, startedAt);
}

function rememberedOf(record: unknown): Remembered | undefined {
  const { version, state, digest } = (record ?? {}) as Partial<Record<keyof Remembered, unknown>>;
  if (version !== VERSION || typeof state !== 'string' || typeof digest !== 'string') return undefined;
  return isDigest(digest) ? { version, state, digest } : undefined;
}
