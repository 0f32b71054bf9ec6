import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnfinishedName } from '../../support/atomic-file.js';
import { contentOf, diffIdOf } from '../records/layer-indexes.js';
import { layout } from '../layout.js';
import { entriesOf } from './check-blobs.js';
import { quarantined, type Finding } from './finding.js';

/** Invariant I4 for the indexes of layers: what is damaged is absent, and made again. @throws system errors */
export async function checkLayerIndexes(root: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const entry of await entriesOf(layout.layerIndexes(root))) {
    const path = `layer-indexes/${entry.name}`;
    // A living process may be about to rename it; the next collection takes it away when it is old.
    if (isUnfinishedName(entry.name)) continue;
    if (!entry.isFile() || diffIdOf(entry.name) === undefined) {
      findings.push(quarantined(root, path, { invariant: 'I4', state: 'it is no index of a layer' }));
    } else if (contentOf(readFileSync(join(root, path))) === undefined) {
      const repair = async (): Promise<void> => {
        await rm(join(root, path), { force: true });
      };
      const remedy = 'removes it: it is made again';
      findings.push({ invariant: 'I4', path, state: 'its checksum is wrong', remedy, repair });
    }
  }
  return findings;
}
