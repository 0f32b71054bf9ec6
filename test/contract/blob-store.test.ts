import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestAlgorithm, digestHex } from '../../src/oci/digest.js';
import { openStore } from '../../src/store/open-store.js';
import { blobStoreSuite } from './blob-store.suite.js';

blobStoreSuite('FsBlobStore', async () => {
  const root = mkdtempSync(join(tmpdir(), 'blob-store-'));
  const store = await openStore(root);
  return {
    store: store.blobs,
    damage: ({ digest, size }, how) => {
      const path = join(root, 'blobs', digestAlgorithm(digest), digestHex(digest));
      chmodSync(path, 0o644);
      if (how === 'flip') writeFileSync(path, 'y', { flag: 'r+' });
      else truncateSync(path, how === 'truncate' ? size - 1 : 0);
    },
    dispose: () => {
      store[Symbol.dispose]();
      rmSync(root, { recursive: true });
    },
  };
});
