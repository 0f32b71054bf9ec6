import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { measuringEnvironment, run } from './process.mjs';

/** umoci unpacks an OCI layout into a folder. Throws `ProcessFailed` without it. */
export function createUmoci({ scratch, layout }) {
  const version = run(['umoci', '--version']).stdout.split(' ').at(-1);
  const bundle = join(scratch, 'umoci-bundle');
  const drop = () => rmSync(bundle, { recursive: true, force: true });
  const argv = () => [['umoci', 'unpack', '--image', `${layout}:latest`, bundle]];
  return {
    name: `umoci ${version}`,
    version: 'an OCI layout to a folder',
    env: measuringEnvironment(),
    operations: { unpack: { before: drop, argv, after: drop } },
    close: drop,
  };
}
