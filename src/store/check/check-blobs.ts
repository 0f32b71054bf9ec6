import { lstatSync, type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.js';
import { throwIfAborted } from '../../support/byte-streams.js';
import { systemErrorCode } from '../../support/errors.js';
import { hasDigest } from '../blobs/damaged-blob.js';
import { quarantined, type Finding } from './finding.js';

export interface CheckedBlobs {
  readonly findings: readonly Finding[];
  /** Sizes of those that are as they should be. */
  readonly sound: ReadonlyMap<Digest, number>;
}

export interface CheckBlobsOptions {
  readonly root: string;
  /** Not to read them: whatever has a digest for a name is taken for it. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
}

/** Invariant I1: a name below `blobs/` means its content. @throws system errors, `ABORTED` */
export async function checkBlobs(options: CheckBlobsOptions): Promise<CheckedBlobs> {
  const findings: Finding[] = [];
  const sound = new Map<Digest, number>();
  for (const folder of await entriesOf(join(options.root, 'blobs'))) {
    const path = `blobs/${folder.name}`;
    if (!folder.isDirectory() || !['sha256', 'sha512'].includes(folder.name)) {
      findings.push(
        quarantined(options.root, path, { invariant: 'I1', state: 'there is no digest algorithm of that name' }),
      );
      continue;
    }
    for (const entry of await entriesOf(join(options.root, path))) {
      throwIfAborted('check the store', options.signal);
      const state = await stateOf(options, folder.name, entry);
      if (typeof state === 'string') {
        findings.push(quarantined(options.root, `${path}/${entry.name}`, { invariant: 'I1', state }));
      } else if (state !== undefined) sound.set(state.digest, state.size);
    }
  }
  return { findings, sound };
}

/** What is wrong with it, or what it is; `undefined` when it is gone meanwhile. */
async function stateOf(
  { root, quick }: CheckBlobsOptions,
  algorithm: string,
  entry: Dirent,
): Promise<string | { readonly digest: Digest; readonly size: number } | undefined> {
  const digest = `${algorithm}:${entry.name}`;
  if (!isDigest(digest)) return 'its name is no digest';
  if (!entry.isFile()) return 'it is no file';
  const path = join(root, 'blobs', algorithm, entry.name);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!quick && !(await hasDigest(path, digest))) return 'its content has another digest';
  return { digest, size: stat.size };
}

/** Sorted by name; none for a folder that is missing. */
export async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
