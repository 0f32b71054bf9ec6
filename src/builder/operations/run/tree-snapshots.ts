import type { ActiveSnapshot, SnapshotRoot, Snapshotter } from '../../../layers/snapshotter.js';
import { writeTar } from '../../../layers/tar/write-tar.js';
import type { Tree } from '../../../layers/tree.js';
import { treeChanges } from '../../../layers/tree-changes.js';
import type { Change } from '../../../layers/change.js';
import type { ByteString } from '../../../support/byte-string.js';

/** Whose the files of a context are in the image, whoever owns them on the host. */
const CONTEXT_OWNER = { uid: 0, gid: 0 };

/**
 * What is mounted of a build context, as files of its own: without what the ignore file names, owned by root, and the same until
 * the end of the step whatever becomes of the originals.
 */
export class TreeSnapshots implements AsyncDisposable {
  readonly #snapshotter: Snapshotter;
  readonly #made = new Map<Tree, Map<ByteString, Promise<ActiveSnapshot>>>();

  constructor(snapshotter: Snapshotter) {
    this.#snapshotter = snapshotter;
  }

  /** Made once, for all who only read; kept until the end. A file is in the root, under its own name. */
  async shared(tree: Tree, path: ByteString, signal: AbortSignal): Promise<SnapshotRoot> {
    const ofTree = this.#made.get(tree) ?? new Map<ByteString, Promise<ActiveSnapshot>>();
    this.#made.set(tree, ofTree);
    const made = ofTree.get(path) ?? this.own(tree, path, signal);
    ofTree.set(path, made);
    return (await made).root;
  }

  /** For one who writes. */
  async own(tree: Tree, path: ByteString, signal: AbortSignal): Promise<ActiveSnapshot> {
    const active = await this.#snapshotter.prepare(null);
    try {
      await active.apply(writeTar(inTurn(treeChanges(tree, path, { owner: CONTEXT_OWNER }))), { signal });
      return active;
    } catch (error) {
      await active[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const made = [...this.#made.values()].flatMap((ofTree) => [...ofTree.values()]);
    this.#made.clear();
    for (const snapshot of await Promise.allSettled(made)) {
      if (snapshot.status === 'fulfilled') await snapshot.value[Symbol.asyncDispose]();
    }
  }
}

/** What never waits, for who may have to. */
export async function* inTurn(changes: Iterable<Change>): AsyncGenerator<Change, void, undefined> {
  await Promise.resolve();
  yield* changes;
}
