// Builds dist/: the library (tsc: ESM with types) and the command line (esbuild: one CommonJS file and its workers).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildInflate } from './build-inflate.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

// What was built of sources that are gone must not get into a package.
if (process.argv.includes('--clean')) rmSync('dist', { recursive: true, force: true });
if (!existsSync('dist')) rmSync('node_modules/.cache/tsbuild', { recursive: true, force: true });
// Beside the compiler of everything else.
const inflate = buildInflate(['dist/bin/inflate.wasm', 'dist/layers/compression/inflate/inflate.wasm']);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const version = JSON.parse(readFileSync('package.json', 'utf8')).version;
const entries = {
  main: 'src/cli/main.ts',
  'build-worker': 'src/toolchain/workshop/build-worker.ts',
  'isolation-worker': 'src/toolchain/isolation-worker.ts',
  'zstd-worker': 'src/layers/compression/zstd-worker.ts',
  'unpack-worker': 'src/layers/unpack/unpack-worker.ts',
  'content-digest-worker': 'src/layers/compression/content-digest-worker.ts',
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
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));
await build({
  ...common,
  entryPoints: present,
  outdir: 'dist/bin',
  format: 'cjs',
  // Programs for WebAssembly and a font, which are files of their packages and far larger than the rest.
  external: ['koffi', '@viz-js/viz', '@resvg/resvg-wasm'],
  plugins: [terminalView],
  // In CommonJS there is no import.meta: workers are found beside the bundle.
  define: { ...common.define, 'import.meta.url': '__tsbuildUrl' },
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
// Node knows no import() in a script that comes from V8's cache: the loader gives the bundle a function in its place.
const bundle = readFileSync('dist/bin/main.js', 'utf8').split('import("./tui.mjs")');
if (bundle.length !== 2) throw new Error(`main.js imports the terminal view ${bundle.length - 1} times, not once`);
writeFileSync('dist/bin/main.js', bundle.join('importModule("./tui.mjs")'));
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
// V8 takes a code cache for any source of the same length, so the bundle's digest is in the name of its cache.
for (const name of readdirSync('dist/bin')) if (name.endsWith('.cache')) rmSync(`dist/bin/${name}`);
const digest = createHash('sha256').update(readFileSync('dist/bin/main.js')).digest('hex').slice(0, 16);
const loader = readFileSync('scripts/cli-loader.cjs', 'utf8').replace('BUNDLE_DIGEST', digest);
writeFileSync('dist/bin/tsbuild.js', loader);
chmodSync('dist/bin/tsbuild.js', 0o755);
await inflate;
