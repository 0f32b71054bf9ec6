import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../oci/digest.js';
import { hasDigest } from '../../store/blobs/damaged-blob.js';
import { layout } from '../../store/layout.js';
import { bytesBelow } from '../../support/directory-size.js';
import { fileStamp, sameStamp } from '../../support/file-stamp.js';
import { removeTree } from '../../support/files.js';
import { openSnapshotFolder, TAR, type SnapshotFolder } from './snapshot-folder.js';

export interface LayerTarsOptions {
  /** Absolute, on one file system with `temporaryDirectory`: the tars are in a folder in it. */
  readonly directory: string;
  readonly temporaryDirectory: string;
  readonly durable?: boolean | undefined;
  readonly additional?: readonly string[] | undefined;
  /** Absolute paths of the stores that blobs are in, the own one first. */
  readonly roots: readonly [string, ...string[]];
}

/** The name of their folder, below that of all snapshots. */
export const TARS_KIND = 'layer-tars';

/** A tar that is being written; disposing of it without `commit` discards it. */
export interface UnfinishedTar extends AsyncDisposable {
  /** Absolute, of the file to write. */
  readonly path: string;
  /** Takes away what has been written. */
  restart(): Promise<void>;
  /** To be called when its digest is known to be `diffId`. What is there already stays. */
  commit(diffId: Digest): Promise<void>;
}

/**
 * The uncompressed tars of layers, by diffId: blobs that are such, and what compressed blobs were inflated to. A cache of blobs: any
 * may be deleted. Like snapshots they are not synced, and believed in the boot that made them; then, as long as their size and
 * time are what they were.
 */
export class LayerTars {
  readonly #folder: SnapshotFolder<Digest>;
  readonly #directory: string;
  readonly #roots: LayerTarsOptions['roots'];

  constructor({ roots, ...options }: LayerTarsOptions) {
    this.#folder = openSnapshotFolder<Digest>(TARS_KIND, options);
    this.#directory = path.join(options.directory, TARS_KIND);
    this.#roots = roots;
  }

  /** Its absolute path; `undefined` when there is none of the size, if one is given, that is as it was when it was checked. */
  find(diffId: Digest, size?: number): string | undefined {
    const blob = this.blob(diffId);
    if (blob !== undefined && (size === undefined || fileStamp(blob)?.size === size)) return blob;
    const stamp = this.#folder.load(diffId)?.tar;
    if (stamp === undefined || (size !== undefined && stamp.size !== size)) return undefined;
    const tar = this.#folder.tarOf(diffId);
    return sameStamp(stamp, fileStamp(tar)) ? tar : undefined;
  }

  /** Absolute path of a blob that is in one of the stores, of a layer or of its tar. */
  blob(digest: Digest): string | undefined {
    return this.#roots.map((root) => layout.blob(root, digest)).find((path) => fileStamp(path) !== undefined);
  }

  /** Of the store. */
  get root(): string {
    return this.#roots[0];
  }

  create(): UnfinishedTar {
    const unfinished = this.#folder.create();
    const tar = path.join(unfinished, TAR);
    return {
      path: tar,
      restart: async () => {
        await rm(tar, { force: true });
      },
      commit: async (diffId) => {
        const stamp = fileStamp(tar);
        // One that is there and is not found has been written to.
        if (this.find(diffId) === undefined) await this.#folder.remove(diffId);
        await this.#folder.publish(unfinished, diffId, { parent: null, owners: new Map(), tar: stamp });
      },
      [Symbol.asyncDispose]: async () => {
        await removeTree(unfinished);
      },
    };
  }

  /** Of those that were inflated. */
  list(): Promise<readonly Digest[]> {
    return this.#folder.list();
  }

  listTorn(): Promise<readonly Digest[]> {
    return this.#folder.listTorn();
  }

  /** On the disk, of one that was inflated; else 0. */
  bytesOf(diffId: Digest): number {
    const place = path.dirname(this.#folder.tarOf(diffId));
    return path.dirname(place) === this.#directory ? bytesBelow(place) : 0;
  }

  /** Whether the content of one that was inflated is what its name says. Reads all of it. */
  async isIntact(diffId: Digest): Promise<boolean> {
    if (this.#folder.load(diffId) === undefined) return false;
    return await hasDigest(this.#folder.tarOf(diffId), diffId);
  }

  remove(diffId: Digest): Promise<void> {
    return this.#folder.remove(diffId);
  }

  settle(): Promise<void> {
    return this.#folder.settle();
  }
}
