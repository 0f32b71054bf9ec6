import { lstatSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { digestOf, type Digest } from '../oci/digest.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../support/errors.js';
import type { BlobInfo } from './blob-store.js';
import { streamBlob } from './blobs/blob-stream.js';
import { hasDigest } from './blobs/damaged-blob.js';
import { READ_FLAGS } from './blobs/fs-blob-store.js';
import { checkLayout, layout } from './layout.js';
import { readLayoutIndex } from './images/layout-index.js';
import type { RecordStore } from './record-store.js';
import { storeError } from './store-error.js';

export interface AdditionalStoreOptions {
  readonly root: string;
  /** Of our own store: what was read once and found to be as it should, need not be read for that again. */
  readonly records: RecordStore;
  readonly onWarning: (message: string) => void;
}

/** Somebody else's store, of which the blobs serve us as well. Nothing is ever written to it, and nothing in it is trusted. */
export class AdditionalStore {
  readonly root: string;
  readonly #options: AdditionalStoreOptions;
  readonly #warned = new Set<Digest>();

  constructor(options: AdditionalStoreOptions) {
    this.root = options.root;
    this.#options = options;
  }

  /** Bytes of a blob that has been checked; `undefined` for one that is missing, damaged, or for others to read. */
  async size(digest: Digest): Promise<number | undefined> {
    const path = layout.blob(this.root, digest);
    const stat = lookAt(path);
    if (stat?.isFile() !== true) return undefined;
    const version = `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    const key = digestOf(`${path}\n${digest}`);
    const known = seenBefore(await this.#options.records.load('verified', key), version);
    const sound = known ?? (await this.#verify(path, digest));
    if (sound === undefined) return undefined;
    if (known === undefined) await this.#options.records.save('verified', key, { path, version, sound });
    if (!sound) this.#warn(digest);
    return sound ? stat.size : undefined;
  }

  async open(blob: BlobInfo): Promise<Readable> {
    const path = layout.blob(this.root, blob.digest);
    const refuse = async (cause: unknown): Promise<Error> =>
      isTsbuildError(cause, 'DIGEST_MISMATCH')
        ? changed(path, cause)
        : await storeError(cause, `read blob "${path}"`, this.root);
    try {
      return streamBlob(await open(path, READ_FLAGS), blob, refuse);
    } catch (error) {
      throw await refuse(error);
    }
  }

  async #verify(path: string, digest: Digest): Promise<boolean | undefined> {
    try {
      return await hasDigest(path, digest);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  #warn(digest: Digest): void {
    if (this.#warned.has(digest)) return;
    this.#warned.add(digest);
    this.#options.onWarning(`passing over blob "${digest}" of the additional store "${this.root}": it is damaged`);
  }
}

function seenBefore(record: unknown, version: string): boolean | undefined {
  const { version: seen, sound } = (record ?? {}) as { readonly version?: unknown; readonly sound?: unknown };
  return seen === version && typeof sound === 'boolean' ? sound : undefined;
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function changed(path: string, cause: unknown): TsbuildError {
  return new TsbuildError('DIGEST_MISMATCH', `cannot read blob "${path}": it changed after it was checked`, {
    hint: 'Run the command again: what the additional store lacks is fetched.',
    cause,
  });
}

/**
 * Those of the stores that can serve. One that is missing, unreadable, damaged or newer than this program is passed over, with a
 * warning: without it, everything is had from elsewhere.
 */
export function openAdditionalStores(
  roots: readonly string[],
  options: Omit<AdditionalStoreOptions, 'root'>,
): readonly AdditionalStore[] {
  return roots.flatMap((root) => {
    try {
      checkLayout(root);
      readLayoutIndex(root);
      return [new AdditionalStore({ ...options, root })];
    } catch (error) {
      if (!isTsbuildError(error) && systemErrorCode(error) === undefined) throw error;
      const reason = isTsbuildError(error) ? error.message : (systemErrorCode(error) ?? '');
      options.onWarning(`passing over the additional store "${root}": ${reason}`);
      return [];
    }
  });
}
