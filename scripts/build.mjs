// Builds dist/: the library (tsc: ESM with types) and the command line (esbuild: packs of CommonJS chunks, the live view, threads).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildAssembly } from './build-assembly.mjs';
import { bundlePrograms } from './bundle-programs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

// What was built of sources that are gone must not get into a package.
if (process.argv.includes('--clean')) rmSync('dist', { recursive: true, force: true });
if (!existsSync('dist')) rmSync('node_modules/.cache/tsbuild', { recursive: true, force: true });
// Beside the compiler of everything else.
const assembly = Promise.all([
  // In pages of 64 KiB, for what layout.ts lays out.
  buildAssembly('inflate', {
    pages: 6,
    targets: ['dist/bin/inflate.wasm', 'dist/layers/compression/inflate/inflate.wasm'],
  }),
  buildAssembly('sha256', { pages: 1, targets: ['dist/bin/sha256.wasm', 'dist/support/sha256.wasm'] }),
]);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const version = JSON.parse(readFileSync('package.json', 'utf8')).version;
// Processes, which share their code.
const programs = {
  tsbuild: 'src/cli/main.ts',
  'build-worker': 'src/toolchain/workshop/build-worker.ts',
  'isolation-worker': 'src/toolchain/isolation-worker.ts',
};
// What is read together: for every start, for a build that finds all in its cache, for one that does not. The first two have budgets
// (test/e2e/start-up.test.ts).
const packs = {
  start: [
    'cli/main.ts',
    'commands/version.ts',
    'commands/help.ts',
    'cli/help.ts',
    'errors/render-error.ts',
    ...['text/color.ts', 'text/charset.ts'],
  ],
  build: [
    'commands/build.ts',
    ...['progress/plain.ts', 'progress/quiet.ts', 'progress/terminal.ts'],
    'toolchain.ts',
    'build-in-namespace.ts',
    'store/open-store.ts',
  ],
  work: [
    ...['build-worker.ts', 'isolation-worker.ts', 'parser/parse-dockerfile.ts'],
    ...['operations/run-operation.ts', 'operations/workdir-operation.ts', 'copy/copy-operation.ts'],
    ...['sandbox/create-sandbox.ts', 'store/cache-mounts.ts', 'run/tree-snapshots.ts', 'fs-extra/lib/esm.mjs'],
    'p-queue/dist/index.js',
    ...['layers/overlay-snapshotter.ts', 'apply/apply-layer.ts', 'unpack/layer-threads.ts'],
  ],
};
// What a build that finds all in its cache runs anyhow, chunk after chunk.
const together = [['cli/main.ts'], ['toolchain.ts'], ['commands/build.ts', 'progress/plain.ts']];
// Threads, each one file.
const workers = {
  'zstd-worker': 'src/layers/compression/zstd-worker.ts',
  'unpack-worker': 'src/layers/unpack/unpack-worker.ts',
  'content-digest-worker': 'src/layers/compression/content-digest-worker.ts',
  'file-digest-worker': 'src/store/blobs/file-digest-worker.ts',
  'chunk-digest-worker': 'src/layers/compression/chunk-digest-worker.ts',
};
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'error',
  define: {
    'process.env.NODE_ENV': '"production"',
    'process.env.DEV': '"false"',
    TSBUILD_VERSION: JSON.stringify(version),
  },
};
// Ink's modules wait at their top level, which CommonJS cannot: the terminal view is a bundle of its own, loaded when it is used.
const terminalView = {
  name: 'terminal-view',
  setup({ onResolve }) {
    onResolve({ filter: /\/tui\/index\.js$/ }, () => ({ path: './tui.mjs', external: true }));
  },
};
mkdirSync('dist/bin', { recursive: true });
// Programs for WebAssembly and a font, which are files of their packages and far larger than the rest.
const external = ['koffi', '@viz-js/viz', '@resvg/resvg-wasm'];
removeStale('dist/bin');
await bundlePrograms({
  programs,
  packs,
  together,
  folder: 'dist/bin',
  options: { ...common, external, plugins: [terminalView] },
});
await build({
  ...common,
  entryPoints: workers,
  outdir: 'dist/bin',
  format: 'cjs',
  external,
  // In CommonJS there is no import.meta.
  define: { ...common.define, 'import.meta.url': '__tsbuildUrl', 'import.meta.dirname': '__dirname' },
  banner: { js: "const __tsbuildUrl=require('node:url').pathToFileURL(__filename).href;" },
});
if (existsSync('src/cli/tui/index.tsx')) {
  await build({
    ...common,
    entryPoints: { tui: 'src/cli/tui/index.tsx' },
    outdir: 'dist/bin',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    // Whether a CI job has a live view is decided before this bundle is loaded (src/cli/progress/select-renderer.ts).
    alias: { 'react-devtools-core': './scripts/empty-module.mjs', 'is-in-ci': './scripts/not-in-ci.mjs' },
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
}
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
await assembly;

/** Caches of bundles that were here before, which no run would look for. */
function removeStale(folder) {
  for (const name of readdirSync(folder)) if (name.endsWith('.cache')) rmSync(`${folder}/${name}`);
}
