import type { Tree, TreeEntry } from '../../../layers/tree.js';
import { childPath } from '../../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../../support/byte-string.js';
import type { CopyFilter } from './copy-filter.js';

/** Something below a folder that is copied. */
export interface WalkedEntry {
  /** In the tree. */
  readonly path: ByteString;
  /** Below the folder. */
  readonly relative: ByteString;
  readonly entry: TreeEntry;
  /** A folder that is not taken itself, only made for what is taken below it. */
  readonly isParent: boolean;
}

interface Folder {
  readonly path: ByteString;
  readonly filter: CopyFilter;
}

/**
 * What of a folder is copied, parents first, sorted by component. A folder that is not taken comes right before the first thing
 * below it that is, and not at all when there is none. Sockets are passed over: they are nothing without the process that made
 * them, and no layer can hold one.
 */
export function* walkSelection({ path, filter }: Folder, tree: Tree): Generator<WalkedEntry, void, undefined> {
  yield* new Walk(tree, filter).below({ path, relative: '' as ByteString });
}

interface Place {
  readonly path: ByteString;
  readonly relative: ByteString;
}

class Walk {
  readonly #tree: Tree;
  readonly #filter: CopyFilter;
  /** Folders on the way that are not taken and have not been told of. */
  #pending: WalkedEntry[] = [];

  constructor(tree: Tree, filter: CopyFilter) {
    this.#tree = tree;
    this.#filter = filter;
  }

  *below(place: Place): Generator<WalkedEntry, void, undefined> {
    for (const name of this.#tree.list(place.path)) {
      const path = childPath(place.path, name);
      const entry = this.#tree.lstat(path);
      // A file may go while the folder is read.
      if (entry === undefined || entry.type === 'socket') continue;
      const relative = childPath(place.relative, name);
      const isTaken = this.#filter.takes(textOfBytes(relative));
      const walked = { path, relative, entry, isParent: !isTaken };
      if (isTaken) yield* this.#tell(walked);
      if (entry.type === 'directory') yield* this.#descend(walked);
    }
  }

  *#tell(walked: WalkedEntry): Generator<WalkedEntry, void, undefined> {
    yield* this.#pending;
    this.#pending = [];
    yield walked;
  }

  *#descend(walked: WalkedEntry): Generator<WalkedEntry, void, undefined> {
    if (!this.#filter.mayTakeBelow(textOfBytes(walked.relative))) return;
    if (walked.isParent) this.#pending.push(walked);
    yield* this.below(walked);
    this.#pending = this.#pending.filter((pending) => pending !== walked);
  }
}
