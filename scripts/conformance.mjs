// `npm run conformance`: bundles test/conformance/main.ts, which Node cannot load as it is, and runs it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
// In node_modules, so that packages are found from there.
const folder = mkdtempSync(join(root, 'node_modules/.cache/conformance-'));
const outfile = join(folder, 'main.mjs');
try {
  await build({
    entryPoints: [join(root, 'test/conformance/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  const env = { ...process.env, TSBUILD_CONFORMANCE_ROOT: root };
  const { status, signal } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  });
  process.exitCode = signal === null ? (status ?? 1) : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
