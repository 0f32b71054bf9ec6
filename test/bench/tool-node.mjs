import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measuringEnvironment } from './process.mjs';

/** Node with an empty program: what a start of tsbuild cannot be faster than. */
export function createNode({ scratch }) {
  const empty = join(scratch, 'empty.cjs');
  writeFileSync(empty, '');
  return {
    name: 'node',
    version: `${process.version}, an empty program`,
    env: measuringEnvironment(),
    operations: { start: { argv: () => [[process.execPath, empty]] } },
    close: () => undefined,
  };
}
