import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { digestHex, isDigest, type Digest } from '../../oci/digest.js';
import type { ChainId } from '../../oci/layer.js';
import type { ByteString } from '../../support/byte-string.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { systemErrorCode } from '../../support/errors.js';
import type { FileStamp } from '../../support/file-stamp.js';
import { parseJson } from '../../support/parse-json.js';
import { removeTree } from '../../support/files.js';
import { syncFileSystem } from '../../support/syscalls.js';
import { formatOwner, parseOwner, type Owner, type OwnerMap } from '../files/ownership.js';
import { currentBoot, isLittleUnwritten } from './kernel-state.js';

/** What is known about a committed snapshot beside its files. */
export interface SnapshotMeta {
  readonly parent: ChainId | null;
  readonly owners: OwnerMap;
  /** In the place of files: an image of the layer, which is mounted from its tar. */
  readonly image?: SnapshotImage | undefined;
  /** In the place of a snapshot: the tar of a layer. */
  readonly tar?: FileStamp | undefined;
}

export interface SnapshotImage {
  readonly diffId: Digest;
  /** Bytes of the tar. */
  readonly tarSize: number;
}

interface StoredMeta extends SnapshotMeta {
  /** The boot (boot_id of random(4)) whose memory may hold files that the disk lacks; `null` once all is on the disk. */
  readonly boot: string | null;
}

export interface SnapshotFolderOptions {
  /** Absolute; made when it is missing. */
  readonly directory: string;
  /** Absolute, on the same file system; made when it is missing. */
  readonly temporaryDirectory: string;
  /** Whether a snapshot is on the disk before it is there: without, it is believed until the machine boots again. */
  readonly durable?: boolean | undefined;
  /** Absolute: folders like this one that may only be read, such as another user's. What this one lacks is looked for there. */
  readonly additional?: readonly string[] | undefined;
  /** Which boot of the machine this is; `null` where it does not say, and then every snapshot is made durable. */
  readonly boot?: string | null | undefined;
  /** Whether syncing the file system takes next to no time just now. */
  readonly isSyncCheap?: (() => boolean) | undefined;
  /** Whether the image of a snapshot, in that directory, can be used. Absent: no image can. */
  readonly isUsable?: ((image: SnapshotImage, place: string) => boolean) | undefined;
}

/** 1 did not say of which boot a snapshot was, so it cannot be believed after a power failure. */
const VERSION = 2;
/** Of what has no files, which an older program must not look for. */
const IMAGE_VERSION = 3;
const META = 'meta.json';
/** The files themselves. */
export const FILES = 'fs';
/** The image of a layer in their place; or the layer's tar. */
export const IMAGE = 'layer.erofs';
export const TAR = 'layer.tar';

/**
 * A folder of snapshots, each a directory `<chain id's hex digits>/` with its files in `fs/` and a `meta.json`. They come by
 * renaming a complete one into place (invariant I3): a directory without a readable meta.json is garbage, and absent.
 *
 * They are not synced, which would cost more than making them. After a power failure files of one may be empty, so each says in
 * which boot it was made, and in another boot it is absent. Once the kernel has written most of it anyway, `settle` syncs the
 * rest and takes that mark away.
 */
export class SnapshotFolder<Id extends Digest = ChainId> {
  readonly #options: SnapshotFolderOptions;
  readonly #boot: string | null;
  /** Where those are that were found in another folder. */
  readonly #elsewhere = new Map<Id, string>();
  /** Those of this boot that were here before, so that the kernel has had the time to write most of them by itself. */
  readonly #unsynced = new Map<Id, SnapshotMeta>();
  readonly #published = new Set<Id>();

  constructor(options: SnapshotFolderOptions) {
    this.#options = options;
    this.#boot = options.boot === undefined ? currentBoot() : options.boot;
  }

  filesOf(id: Id): string {
    return path.join(this.#placeOf(id), FILES);
  }

  /** Of a snapshot whose `meta` has one. */
  imageOf(id: Id): string {
    return path.join(this.#placeOf(id), IMAGE);
  }

  /** Of what is a tar. */
  tarOf(id: Id): string {
    return path.join(this.#placeOf(id), TAR);
  }

  #placeOf(id: Id): string {
    return this.#elsewhere.get(id) ?? this.#path(id);
  }

  /** At once: a step asks for each of the layers below it, and a turn of the event loop takes longer than reading one. */
  load(id: Id): SnapshotMeta | undefined {
    const own = this.#loadFrom(this.#path(id));
    if (own !== undefined) {
      this.#elsewhere.delete(id);
      if (own.boot !== null && !this.#published.has(id)) this.#unsynced.set(id, own);
      return own;
    }
    for (const directory of this.#options.additional ?? []) {
      const place = path.join(directory, digestHex(id));
      const found = this.#loadReadable(place);
      if (found === undefined) continue;
      this.#elsewhere.set(id, place);
      return found;
    }
    return undefined;
  }

  /** `undefined` for what is not there, not whole, of another boot and never synced, or an image that cannot be used. */
  #loadFrom(place: string): StoredMeta | undefined {
    const meta = readMeta(path.join(place, META));
    if (meta === undefined || (meta.boot !== null && meta.boot !== this.#boot)) return undefined;
    return meta.image !== undefined && this.#options.isUsable?.(meta.image, place) !== true ? undefined : meta;
  }

  /** A folder of somebody else is no place to insist. */
  #loadReadable(place: string): StoredMeta | undefined {
    try {
      return this.#loadFrom(place);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  /** Syncs what was used and is not known to be on the disk, unless that would take long. */
  async settle(): Promise<void> {
    const { isSyncCheap = isLittleUnwritten } = this.#options;
    if (this.#unsynced.size === 0 || !isSyncCheap()) return;
    const settled = [...this.#unsynced];
    this.#unsynced.clear();
    syncAt(this.#options.directory);
    for (const [id, meta] of settled) {
      // Collected meanwhile, or half of what another process is replacing: either way there is nothing to say of it.
      await this.#write(this.#path(id), meta, null).catch(ignoreMissing);
    }
  }

  async #write(place: string, meta: SnapshotMeta, boot: string | null): Promise<void> {
    await writeFileAtomic(path.join(place, META), encodeMeta(meta, boot), { durable: false });
  }

  /** The ids of complete snapshots, sorted. */
  async list(): Promise<readonly Id[]> {
    const ids: Id[] = [];
    for (const id of await this.#ids()) if (this.#loadFrom(this.#path(id)) !== undefined) ids.push(id);
    return ids;
  }

  /** The ids of those that are not, sorted: what a crash of the machine left. */
  async listTorn(): Promise<readonly Id[]> {
    const ids: Id[] = [];
    for (const id of await this.#ids()) {
      const meta = this.#loadFrom(this.#path(id));
      if (meta === undefined || !existsSync(path.join(this.#path(id), contentOf(meta)))) ids.push(id);
    }
    return ids;
  }

  async #ids(): Promise<readonly Id[]> {
    const ids: Id[] = [];
    for (const name of (await readNames(this.#options.directory)).sort()) {
      const id = `sha256:${name}`;
      if (isDigest(id)) ids.push(id as Id);
    }
    return ids;
  }

  /** A place for an unfinished snapshot. */
  create(): string {
    mkdirSync(this.#options.temporaryDirectory, { recursive: true, mode: 0o700 });
    return mkdtempSync(path.join(this.#options.temporaryDirectory, 'snapshot-'));
  }

  /** Puts a finished one into place. Where there is one already, that stays and this goes. */
  async publish(unfinished: string, id: Id, meta: SnapshotMeta): Promise<void> {
    const durable = this.#options.durable === true || this.#boot === null;
    const text = encodeMeta(meta, durable ? null : this.#boot);
    writeFileSync(path.join(unfinished, META), text, { mode: 0o600 });
    if (durable) syncAt(unfinished);
    mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
    while (!this.#tryRename(unfinished, id)) {
      if (this.#loadFrom(this.#path(id)) !== undefined) return removeTree(unfinished);
      // Half of a snapshot, left by a crash or a power failure.
      await this.remove(id);
    }
    if (durable) syncAt(this.#options.directory);
    this.#published.add(id);
  }

  /** Out of sight at once, then deleted: a reader never sees half of it. */
  async remove(id: Id): Promise<void> {
    const trash = this.create();
    try {
      renameSync(this.#path(id), path.join(trash, FILES));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    } finally {
      await removeTree(trash);
    }
  }

  #path(id: Id): string {
    return path.join(this.#options.directory, digestHex(id));
  }

  #tryRename(unfinished: string, id: Id): boolean {
    try {
      renameSync(unfinished, this.#path(id));
      return true;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
      throw error;
    }
  }
}

/** Of snapshots of one kind, below a store's folder of snapshots and those of others. */
export function openSnapshotFolder<Id extends Digest = ChainId>(
  kind: string,
  options: SnapshotFolderOptions,
): SnapshotFolder<Id> {
  const { directory, additional = [] } = options;
  const below = (parent: string): string => path.join(parent, kind);
  return new SnapshotFolder({ ...options, directory: below(directory), additional: additional.map(below) });
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

function contentOf({ image, tar }: SnapshotMeta): string {
  if (tar !== undefined) return TAR;
  return image === undefined ? FILES : IMAGE;
}

function encodeMeta({ parent, owners, image, tar }: SnapshotMeta, boot: string | null): string {
  const recorded = [...owners].map(([file, owner]) => [file, formatOwner(owner)]);
  const version = image === undefined && tar === undefined ? VERSION : IMAGE_VERSION;
  return JSON.stringify({ version, boot, parent, owners: Object.fromEntries(recorded) as unknown, image, tar });
}

/** `undefined` for a file that is not there, or that this version did not write. */
function readMeta(file: string): StoredMeta | undefined {
  try {
    return decodeMeta(parseJson(readFileSync(file, 'utf8')));
  } catch (error) {
    ignoreMissing(error);
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}

function decodeMeta(json: unknown): StoredMeta | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { version, boot, parent, owners, image, tar } = json as Readonly<Record<string, unknown>>;
  if (typeof owners !== 'object' || owners === null || !isBoot(boot) || !isParent(parent)) return undefined;
  const meta = { parent, owners: decodeOwners(owners), boot };
  if (version === VERSION) return meta;
  const own = version === IMAGE_VERSION ? { image: decodeImage(image), tar: decodeStamp(tar) } : {};
  return own.image === undefined && own.tar === undefined ? undefined : { ...meta, ...own };
}

function isBoot(json: unknown): json is string | null {
  return json === null || typeof json === 'string';
}

function isParent(json: unknown): json is ChainId | null {
  return json === null || (typeof json === 'string' && isDigest(json));
}

function decodeImage(json: unknown): SnapshotImage | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { diffId, tarSize } = json as Readonly<Record<string, unknown>>;
  return typeof diffId === 'string' && isDigest(diffId) && typeof tarSize === 'number'
    ? { diffId, tarSize }
    : undefined;
}

function decodeStamp(json: unknown): FileStamp | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { size, mtime } = json as Readonly<Record<string, unknown>>;
  return typeof size === 'number' && typeof mtime === 'string' ? { size, mtime } : undefined;
}

function decodeOwners(owners: object): OwnerMap {
  const recorded = new Map<ByteString, Owner>();
  for (const [file, text] of Object.entries(owners)) {
    const owner = parseOwner(String(text));
    if (owner !== undefined) recorded.set(file as ByteString, owner);
  }
  return recorded;
}
