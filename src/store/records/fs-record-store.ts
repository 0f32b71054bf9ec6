import { lutimesSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, isDigest, type Digest } from '../../oci/digest.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { systemErrorCode } from '../../support/errors.js';
import { layout } from '../layout.js';
import { namesIn } from './names-in.js';
import type { KeptRecord, RecordKind, RecordStore } from '../record-store.js';
import { onStore } from '../store-error.js';

const EXTENSION = '.json';
/** Milliseconds. A hit writes nothing to the disk more often: warm builds would pay for it. */
const USE_COUNTS_AFTER = 24 * 3_600_000;

/** One file a record. Reads are synchronous: a warm build does a dozen, and asynchronous ones cost ten times as much. */
export class FsRecordStore implements RecordStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  load(kind: RecordKind, key: Digest): Promise<unknown> {
    const path = this.#path(kind, key);
    const record = readRecord(path);
    if (record !== undefined) markUsed(path);
    return Promise.resolve(record);
  }

  async save(kind: RecordKind, key: Digest, record: unknown): Promise<void> {
    const path = this.#path(kind, key);
    await onStore(`save a record in "${path}"`, this.#root, async () => {
      mkdirSync(layout.records(this.#root, kind), { recursive: true, mode: 0o700 });
      // Not synced: a crash of the machine may cost the record, which can be had again.
      await writeFileAtomic(path, JSON.stringify(record), { durable: false });
    });
  }

  async *list(kind: RecordKind): AsyncGenerator<Omit<KeptRecord, 'kind'>, void, undefined> {
    const directory = layout.records(this.#root, kind);
    const names = await onStore(`list the records in "${directory}"`, this.#root, () => namesIn(directory));
    for (const name of names) {
      const key = keyOf(name);
      const path = join(directory, name);
      const record = key === undefined ? undefined : readRecord(path);
      const usedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (key !== undefined && record !== undefined && usedAt !== undefined) yield { key, record, usedAt };
    }
  }

  async delete(kind: RecordKind, key: Digest): Promise<void> {
    const path = this.#path(kind, key);
    await onStore(`delete the record "${path}"`, this.#root, async () => {
      await unlink(path).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      });
    });
  }

  #path(kind: RecordKind, key: Digest): string {
    return join(layout.records(this.#root, kind), `${digestHex(key)}${EXTENSION}`);
  }
}

function readRecord(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Whatever is wrong with it: it is a cache of something that can be had again.
    return undefined;
  }
}

/** Its time is that of its last use. */
function markUsed(path: string): void {
  try {
    const now = Date.now();
    if (statSync(path).mtimeMs < now - USE_COUNTS_AFTER) lutimesSync(path, now / 1000, now / 1000);
  } catch {
    // Gone meanwhile, or in a store that may only be read: nobody collects there.
  }
}

/** A file name has the digits alone; their number tells the algorithm. */
function keyOf(name: string): Digest | undefined {
  if (!name.endsWith(EXTENSION)) return undefined;
  const hex = name.slice(0, -EXTENSION.length);
  const digest = `${hex.length === 128 ? 'sha512' : 'sha256'}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
