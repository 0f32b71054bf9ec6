import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../oci/digest.js';
import { isUnfinishedName } from '../../support/atomic-file.js';
import { parseJson } from '../../support/parse-json.js';
import { RECORD_KINDS } from '../record-store.js';
import { entriesOf } from './check-blobs.js';
import type { SoundBlobs } from './check-images.js';
import { quarantined, type Finding } from './finding.js';

export interface CheckRecordsOptions {
  readonly root: string;
  /** The digests that a record reaches. */
  readonly reachedBy: (record: unknown) => readonly Digest[];
  readonly sound: SoundBlobs;
}

/** Invariants I2 and I4 for cache records: what one reaches is there, and what is none is not taken for one. */
export async function checkRecords(options: CheckRecordsOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const kind of RECORD_KINDS) {
    for (const entry of await entriesOf(join(options.root, 'records', kind))) {
      const path = `records/${kind}/${entry.name}`;
      // A living process may be about to rename it; the next collection takes it away when it is old.
      if (isUnfinishedName(entry.name)) continue;
      if (!entry.isFile() || !/^([0-9a-f]{64}|[0-9a-f]{128})\.json$/.test(entry.name)) {
        findings.push(quarantined(options.root, path, { invariant: 'I4', state: 'it is no record' }));
        continue;
      }
      const finding = await checkRecord(path, options);
      if (finding !== undefined) findings.push(finding);
    }
  }
  return findings;
}

async function checkRecord(
  path: string,
  { root, reachedBy, sound }: CheckRecordsOptions,
): Promise<Finding | undefined> {
  const repair = async (): Promise<void> => {
    await rm(join(root, path), { force: true });
  };
  const record = parseJson(readFileSync(join(root, path), 'utf8'));
  if (record === undefined) {
    return { invariant: 'I4', path, state: 'it cannot be read', remedy: 'removes it', repair };
  }
  for (const digest of reachedBy(record)) {
    if ((await sound(digest)) !== undefined) continue;
    const state = `it stands for "${digest}", which is missing or damaged`;
    return { invariant: 'I2', path, state, remedy: 'removes it: the step is done again', repair };
  }
  return undefined;
}
