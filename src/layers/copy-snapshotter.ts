import { type FileStat, statFile } from './files/file-stat.js';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { ChainId } from '../oci/layer.js';
import { bytesOfText, type ByteString } from '../support/byte-string.js';
import { removeTree } from '../support/files.js';
import { applyLayer, type ApplyOptions } from './apply/apply-layer.js';
import { hostPath } from '../support/byte-path.js';
import type { Change } from './change.js';
import { diffDirectory } from './diff-directory.js';

import type { Owner, OwnerMap, Ownership } from './files/ownership.js';
import { createLayersTree } from './layers-tree.js';
import { missingSnapshot, type SnapshotterOptions } from './overlay-snapshotter.js';
import { copyFiles } from './snapshots/copy-files.js';
import { FILES, openSnapshotFolder, type SnapshotFolder } from './snapshots/snapshot-folder.js';
import type { ActiveSnapshot, SnapshotRoot, Snapshotter, SnapshotView } from './snapshotter.js';
import type { Tree } from './tree.js';

/**
 * Keeps every snapshot as a directory with all of its files: for hosts that let nobody mount an overlay. A prepared snapshot is a
 * copy of its parent, sharing blocks where the file system can.
 */
export function createCopySnapshotter(options: SnapshotterOptions): Snapshotter {
  return new CopySnapshotter(options);
}

const NAME = { real: 'copy', recorded: 'copy-recorded' } as const;

/** As `overlayKind`. */
export function copyKind({ ownership }: Pick<SnapshotterOptions, 'ownership'>): string {
  return NAME[ownership];
}

/** The kernel's clock for ctime ticks every 1 to 10 ms. */
const TICK_MS = 10;
const FILES_AT_ONCE = 256;

interface Shared {
  readonly folder: SnapshotFolder;
  readonly ownership: Ownership;
}

class CopySnapshotter implements Snapshotter {
  readonly name = 'copy';
  readonly #shared: Shared;

  constructor({ ownership, ...options }: SnapshotterOptions) {
    this.#shared = { folder: openSnapshotFolder(copyKind({ ownership }), options), ownership };
  }

  has(id: ChainId): Promise<boolean> {
    return Promise.resolve(id).then((known) => this.#shared.folder.load(known) !== undefined);
  }

  async prepare(parent: ChainId | null): Promise<ActiveSnapshot> {
    const owners = parent === null ? new Map<ByteString, Owner>() : this.#owners(parent);
    const parentTree = await this.tree(parent);
    const unfinished = this.#shared.folder.create();
    const root = path.join(unfinished, FILES);
    try {
      await mkdir(root, { mode: 0o755 });
      const versions = parent === null ? NOTHING : await this.#copy(parent, root);
      return new ActiveCopySnapshot(this.#shared, { unfinished, root, parent, parentTree, owners, versions });
    } catch (error) {
      await removeTree(unfinished);
      throw error;
    }
  }

  async view(id: ChainId | null): Promise<SnapshotView> {
    if (id === null) return this.prepare(null);
    if (!(await this.has(id))) throw missingSnapshot(id);
    const root = { kind: 'directory', path: this.#shared.folder.filesOf(id) } as const;
    return { root, [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  tree(id: ChainId | null): Promise<Tree> {
    return Promise.resolve(id).then((known) => {
      const layers = known === null ? [] : [this.#layer(known)];
      return createLayersTree({ layers, ownership: this.#shared.ownership });
    });
  }

  remove(id: ChainId): Promise<void> {
    return this.#shared.folder.remove(id);
  }

  list(): Promise<readonly ChainId[]> {
    return this.#shared.folder.list();
  }

  listTorn(): Promise<readonly ChainId[]> {
    return this.#shared.folder.listTorn();
  }

  settle(): Promise<void> {
    return this.#shared.folder.settle();
  }

  #owners(id: ChainId): OwnerMap {
    const meta = this.#shared.folder.load(id);
    if (meta === undefined) throw missingSnapshot(id);
    return meta.owners;
  }

  #layer(id: ChainId): { readonly directory: ByteString; readonly owners: OwnerMap } {
    return { directory: bytesOfText(this.#shared.folder.filesOf(id)), owners: this.#owners(id) };
  }

  async #copy(parent: ChainId, root: string): Promise<Versions> {
    const from = bytesOfText(this.#shared.folder.filesOf(parent));
    const to = bytesOfText(root);
    const copied: ByteString[] = [];
    for (const file of copyFiles({ from, to, ownership: this.#shared.ownership })) {
      if (copied.push(file) % FILES_AT_ONCE === 0) await setImmediate();
    }
    // A change within the same tick would leave no trace in ctime.
    await setTimeout(TICK_MS);
    return new Map(copied.map((file) => [file, versionOf(statFile(hostPath(to, file)))]));
  }
}

/** By path what lstat(2) said when the copy was complete: as long as it says the same, the file is the parent's. */
type Versions = ReadonlyMap<ByteString, string>;
const NOTHING: Versions = new Map();

function versionOf(stat: FileStat | undefined): string {
  return stat === undefined
    ? ''
    : [stat.ino, stat.ctimeNs, stat.mtimeNs, stat.size, stat.mode, stat.uid, stat.gid].join();
}

interface Unfinished {
  readonly unfinished: string;
  readonly root: string;
  readonly parent: ChainId | null;
  readonly parentTree: Tree;
  readonly owners: OwnerMap;
  readonly versions: Versions;
}

class ActiveCopySnapshot implements ActiveSnapshot {
  readonly root: SnapshotRoot & { readonly kind: 'directory' };
  readonly parentTree: Tree;
  readonly #shared: Shared;
  readonly #unfinished: Unfinished;
  /** The parent's to begin with: the same values as long as nothing is applied over them. */
  readonly #owners: Map<ByteString, Owner>;
  #done = false;

  constructor(shared: Shared, unfinished: Unfinished) {
    this.#shared = shared;
    this.#unfinished = unfinished;
    this.#owners = new Map(unfinished.owners);
    this.parentTree = unfinished.parentTree;
    this.root = { kind: 'directory', path: unfinished.root };
  }

  apply(tar: AsyncIterable<Uint8Array>, options: ApplyOptions = {}): Promise<void> {
    const { ownership } = this.#shared;
    const target = { root: bytesOfText(this.root.path), ownership, owners: this.#owners, overlay: null };
    return applyLayer(tar, target, options);
  }

  changes(): AsyncIterable<Change> {
    return diffDirectory({
      directory: bytesOfText(this.root.path),
      parent: this.parentTree,
      ownership: this.#shared.ownership,
      owners: this.#currentOwners(),
      opaqueXattr: null,
      isUntouched: (file, stat) => this.#unfinished.versions.get(file) === versionOf(stat),
    });
  }

  async commit(id: ChainId): Promise<void> {
    const { unfinished, parent } = this.#unfinished;
    await this.#shared.folder.publish(unfinished, id, { parent, owners: this.#currentOwners() });
    this.#done = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#done) await removeTree(this.#unfinished.unfinished);
  }

  /** A file that has taken the place of the parent's since is its maker's, root's. */
  #currentOwners(): OwnerMap {
    const root = bytesOfText(this.root.path);
    const { owners, versions } = this.#unfinished;
    const current = new Map<ByteString, Owner>();
    for (const [file, owner] of this.#owners) {
      const inherited = owners.get(file) === owner;
      if (!inherited || versions.get(file) === versionOf(statFile(hostPath(root, file)))) current.set(file, owner);
    }
    return current;
  }
}
