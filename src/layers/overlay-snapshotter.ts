import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ChainId } from '../oci/layer.js';
import { bytesOfText, textOfBytes, type ByteString } from '../support/byte-string.js';
import { TsbuildError } from '../support/errors.js';
import { removeTree } from '../support/files.js';
import { applyLayer, type ApplyOptions } from './apply/apply-layer.js';
import { ROOT } from '../support/byte-path.js';
import type { Change } from './change.js';
import { diffDirectory } from './diff-directory.js';
import { setDirectoryAttributes } from './files/file-attributes.js';
import type { Owner, Ownership } from './files/ownership.js';
import { createLayersTree, type LayerPlace } from './layers-tree.js';
import { createImages, usableImages } from './snapshots/image-snapshots.js';
import type { LayerTars } from './snapshots/layer-tars.js';
import { FILES, openSnapshotFolder, type SnapshotFolder, type SnapshotMeta } from './snapshots/snapshot-folder.js';
import type {
  ActiveSnapshot,
  ApartSnapshot,
  ApartSnapshots,
  ImageSnapshots,
  SnapshotRoot,
  Snapshotter,
  SnapshotView,
} from './snapshotter.js';
import type { Tree } from './tree.js';

export interface SnapshotterOptions {
  /** Of the store's snapshots: absolute, on one file system with `temporaryDirectory`. */
  readonly directory: string;
  readonly temporaryDirectory: string;
  readonly ownership: Ownership;
  /** Whether a commit waits until the files are on the disk. Without, a snapshot is believed until the machine boots again. */
  readonly durable?: boolean | undefined;
  /** Absolute paths like `directory`, of stores that may only be read: what is not in ours is looked for there. */
  readonly additional?: readonly string[] | undefined;
}

export interface OverlaySnapshotterOptions extends SnapshotterOptions {
  /** Whether overlays are mounted with the option of that name, as user namespaces must: their marks are `user.overlay.*`. */
  readonly userxattr: boolean;
  /** Where layers can be mounted from their tars, those tars. Such snapshots of other processes are absent without. */
  readonly tars?: LayerTars | undefined;
}

/**
 * Keeps of every snapshot only what its layer adds, in the form that overlayfs mounts. Nothing is mounted here: whoever runs
 * something in an active snapshot mounts `root`, and reading, applying and comparing work on the directories.
 */
export function createOverlaySnapshotter(options: OverlaySnapshotterOptions): Snapshotter {
  return new OverlaySnapshotter(options);
}

const NAME = { real: 'overlay', recorded: 'overlay-recorded' } as const;

/** The name of the folder, below that of all snapshots, that those of this kind are in. */
export function overlayKind({
  ownership,
  userxattr,
}: Pick<OverlaySnapshotterOptions, 'ownership' | 'userxattr'>): string {
  return NAME[ownership] + (userxattr ? '-userxattr' : '');
}

interface Shared {
  readonly folder: SnapshotFolder;
  readonly tars: LayerTars | undefined;
  readonly ownership: Ownership;
  readonly opaqueXattr: ByteString;
}

class OverlaySnapshotter implements Snapshotter {
  readonly name: 'overlay' | 'erofs';
  readonly apart: ApartSnapshots;
  readonly images?: ImageSnapshots;
  readonly #shared: Shared;

  constructor({ ownership, userxattr, tars, ...options }: OverlaySnapshotterOptions) {
    const opaqueXattr = bytesOfText(userxattr ? 'user.overlay.opaque' : 'trusted.overlay.opaque');
    const isUsable = tars && usableImages(tars);
    // Directories written for one way of mounting and owning mean something else for another.
    const folder = openSnapshotFolder(overlayKind({ ownership, userxattr }), { ...options, isUsable });
    this.#shared = { folder, ownership, opaqueXattr, tars };
    this.name = tars === undefined ? 'overlay' : 'erofs';
    if (tars !== undefined) this.images = createImages(folder, { tars, opaqueXattr });
    this.apart = {
      ownership,
      opaqueXattr,
      create: async () => await createApart(folder),
      layersOf: (id) => Promise.resolve(id).then((known) => this.#existingLayers(known)),
    };
  }

  has(id: ChainId): Promise<boolean> {
    return Promise.resolve(id).then((known) => this.#layers(known) !== undefined);
  }

  async prepare(parent: ChainId | null): Promise<ActiveSnapshot> {
    const layers = this.#existingLayers(parent);
    const parentTree = this.#treeOf(layers);
    const unfinished = this.#shared.folder.create();
    const upper = path.join(unfinished, FILES);
    try {
      mkdirSync(upper);
      mkdirSync(path.join(unfinished, 'work'));
      takeRoot(upper, parentTree, this.#shared.ownership);
    } catch (error) {
      await removeTree(unfinished);
      throw error;
    }
    return new ActiveOverlaySnapshot(this.#shared, { unfinished, parent, parentTree, layers });
  }

  /** overlayfs wants two directories at least: an empty one on top costs nothing. */
  view(id: ChainId | null): Promise<SnapshotView> {
    return this.prepare(id);
  }

  tree(id: ChainId | null): Promise<Tree> {
    return Promise.resolve(id).then((known) => this.#treeOf(this.#existingLayers(known)));
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

  async settle(): Promise<void> {
    const { folder, tars } = this.#shared;
    await tars?.settle();
    await folder.settle();
  }

  #treeOf(layers: readonly LayerPlace[]): Tree {
    return createLayersTree({ layers, ownership: this.#shared.ownership, opaqueXattr: this.#shared.opaqueXattr });
  }

  #existingLayers(id: ChainId | null): readonly LayerPlace[] {
    if (id === null) return [];
    const layers = this.#layers(id);
    if (layers === undefined) throw missingSnapshot(id);
    return layers;
  }

  /** Topmost first; `undefined` when the snapshot, or one that it stands on, is not there. */
  #layers(id: ChainId): readonly LayerPlace[] | undefined {
    const layers: LayerPlace[] = [];
    for (let next: ChainId | null = id; next !== null;) {
      const meta = this.#shared.folder.load(next);
      const place = meta && this.#placeOf(next, meta);
      if (meta === undefined || place === undefined) return undefined;
      layers.push(place);
      next = meta.parent;
    }
    return layers;
  }

  #placeOf(id: ChainId, { owners, image }: SnapshotMeta): LayerPlace | undefined {
    const { folder, tars } = this.#shared;
    if (image === undefined) return { directory: bytesOfText(folder.filesOf(id)), owners };
    const tar = tars?.find(image.diffId, image.tarSize);
    return tar === undefined ? undefined : { metadata: folder.imageOf(id), tar };
  }
}

async function createApart(folder: SnapshotFolder): Promise<ApartSnapshot> {
  const unfinished = folder.create();
  const directory = path.join(unfinished, FILES);
  const discard = async (): Promise<void> => {
    await removeTree(unfinished);
  };
  try {
    mkdirSync(directory);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    directory,
    commit: async (id, meta) => {
      await folder.publish(unfinished, id, meta);
    },
    // Once it is committed nothing is left there.
    [Symbol.asyncDispose]: discard,
  };
}

interface Unfinished {
  readonly unfinished: string;
  readonly parent: ChainId | null;
  readonly parentTree: Tree;
  readonly layers: readonly LayerPlace[];
}

class ActiveOverlaySnapshot implements ActiveSnapshot {
  readonly root: SnapshotRoot & { readonly kind: 'overlay' };
  readonly parentTree: Tree;
  readonly #shared: Shared;
  readonly #unfinished: Unfinished;
  readonly #owners = new Map<ByteString, Owner>();
  #done = false;

  constructor(shared: Shared, unfinished: Unfinished) {
    this.#shared = shared;
    this.#unfinished = unfinished;
    this.parentTree = unfinished.parentTree;
    this.root = {
      kind: 'overlay',
      lowers: unfinished.layers.map((layer) => ('directory' in layer ? textOfBytes(layer.directory) : layer)),
      upper: path.join(unfinished.unfinished, FILES),
      work: path.join(unfinished.unfinished, 'work'),
    };
  }

  apply(tar: AsyncIterable<Uint8Array>, options: ApplyOptions = {}): Promise<void> {
    const overlay = { below: this.parentTree, opaqueXattr: this.#shared.opaqueXattr };
    const { ownership } = this.#shared;
    const target = { root: bytesOfText(this.root.upper), ownership, owners: this.#owners, overlay };
    return applyLayer(tar, target, options);
  }

  changes(): AsyncIterable<Change> {
    return diffDirectory({
      directory: bytesOfText(this.root.upper),
      parent: this.parentTree,
      ownership: this.#shared.ownership,
      owners: this.#owners,
      opaqueXattr: this.#shared.opaqueXattr,
    });
  }

  async commit(id: ChainId): Promise<void> {
    await removeTree(this.root.work);
    const { unfinished, parent } = this.#unfinished;
    await this.#shared.folder.publish(unfinished, id, { parent, owners: this.#owners });
    this.#done = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#done) await removeTree(this.#unfinished.unfinished);
  }
}

/** overlayfs shows the root of the upper directory: it must look as the parent's, or as root's own when there is none. */
function takeRoot(upper: string, parent: Tree, ownership: Ownership): void {
  const root = parent.lstat(ROOT);
  if (root === undefined) return;
  const attributes = { ...root, path: ROOT, xattrs: parent.xattrs(ROOT) };
  setDirectoryAttributes(bytesOfText(upper), [attributes, { ownership, owners: new Map() }]);
}

export function missingSnapshot(id: ChainId): TsbuildError {
  return new TsbuildError('STORE_IO', `cannot use snapshot "${id}": it is not there`, {
    hint: 'Something removed it while it was needed; run the command again, and it is made anew.',
  });
}
