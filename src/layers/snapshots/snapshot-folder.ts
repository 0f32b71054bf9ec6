import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestHex, isDigest } from '../../oci/digest.js';
import type { ChainId } from '../../oci/layer.js';
import type { ByteString } from '../../support/byte-string.js';
import { systemErrorCode } from '../../support/errors.js';
import { removeTree } from '../../support/files.js';
import { syncFileSystem } from '../../support/syscalls.js';
import { formatOwner, parseOwner, type Owner, type OwnerMap } from '../files/ownership.js';

/** What is known about a committed snapshot beside its files. */
export interface SnapshotMeta {
  readonly parent: ChainId | null;
  readonly owners: OwnerMap;
}

export interface SnapshotFolderOptions {
  /** Absolute; made when it is missing. */
  readonly directory: string;
  /** Absolute, on the same file system; made when it is missing. */
  readonly temporaryDirectory: string;
  /** Whether a snapshot is on the disk before it is there: without, a power failure can leave files of it empty. */
  readonly durable?: boolean | undefined;
}

const VERSION = 1;
const META = 'meta.json';
/** The files themselves. */
export const FILES = 'fs';

/**
 * A folder of snapshots, each a directory `<chain id's hex digits>/` with its files in `fs/` and a `meta.json`. They come by
 * renaming a complete one into place (invariant I3): a directory without a readable meta.json is garbage, and absent.
 */
export class SnapshotFolder {
  readonly #options: SnapshotFolderOptions;

  constructor(options: SnapshotFolderOptions) {
    this.#options = options;
  }

  filesOf(id: ChainId): string {
    return path.join(this.#path(id), FILES);
  }

  async load(id: ChainId): Promise<SnapshotMeta | undefined> {
    try {
      return decodeMeta(JSON.parse(await readFile(path.join(this.#path(id), META), 'utf8')));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** The ids of complete snapshots, sorted. */
  async list(): Promise<readonly ChainId[]> {
    const ids: ChainId[] = [];
    for (const name of (await readNames(this.#options.directory)).sort()) {
      const id = `sha256:${name}`;
      if (isDigest(id) && (await this.load(id as ChainId)) !== undefined) ids.push(id as ChainId);
    }
    return ids;
  }

  /** A place for an unfinished snapshot. */
  async create(): Promise<string> {
    await mkdir(this.#options.temporaryDirectory, { recursive: true, mode: 0o700 });
    return mkdtemp(path.join(this.#options.temporaryDirectory, 'snapshot-'));
  }

  /** Puts a finished one into place. Where there is one already, that stays and this goes. */
  async publish(unfinished: string, id: ChainId, meta: SnapshotMeta): Promise<void> {
    await writeFile(path.join(unfinished, META), encodeMeta(meta), { mode: 0o600 });
    if (this.#options.durable === true) syncAt(unfinished);
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    while (!(await this.#tryRename(unfinished, id))) {
      if ((await this.load(id)) !== undefined) return removeTree(unfinished);
      // Half of a snapshot, left by a crash or a power failure.
      await this.remove(id);
    }
    if (this.#options.durable === true) syncAt(this.#options.directory);
  }

  /** Out of sight at once, then deleted: a reader never sees half of it. */
  async remove(id: ChainId): Promise<void> {
    const trash = await this.create();
    try {
      await rename(this.#path(id), path.join(trash, FILES));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    } finally {
      await removeTree(trash);
    }
  }

  #path(id: ChainId): string {
    return path.join(this.#options.directory, digestHex(id));
  }

  async #tryRename(unfinished: string, id: ChainId): Promise<boolean> {
    try {
      await rename(unfinished, this.#path(id));
      return true;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
      throw error;
    }
  }
}

async function readNames(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function syncAt(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    syncFileSystem(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function encodeMeta({ parent, owners }: SnapshotMeta): string {
  const recorded = [...owners].map(([file, owner]) => [file, formatOwner(owner)]);
  return JSON.stringify({ version: VERSION, parent, owners: Object.fromEntries(recorded) as unknown });
}

/** `undefined` for what this version did not write. */
function decodeMeta(json: unknown): SnapshotMeta | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { version, parent, owners } = json as Readonly<Record<string, unknown>>;
  if (version !== VERSION || typeof owners !== 'object' || owners === null) return undefined;
  if (parent !== null && (typeof parent !== 'string' || !isDigest(parent))) return undefined;
  const recorded = new Map<ByteString, Owner>();
  for (const [file, text] of Object.entries(owners)) {
    const owner = parseOwner(String(text));
    if (owner !== undefined) recorded.set(file as ByteString, owner);
  }
  return { parent: parent as ChainId | null, owners: recorded };
}
