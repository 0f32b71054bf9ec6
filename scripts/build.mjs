// Builds dist/: the library (tsc: ESM with types) and the command line (esbuild: one CommonJS file and its workers).
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

if (!existsSync('dist')) rmSync('node_modules/.cache/tsbuild', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const version = JSON.parse(readFileSync('package.json', 'utf8')).version;
const entries = {
  main: 'src/cli/main.ts',
  'launch-worker': 'src/sandbox/launch-worker.ts',
  'chroot-worker': 'src/sandbox/chroot-worker.ts',
  'build-worker': 'src/build-worker.ts',
};
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"', TSBUILD_VERSION: JSON.stringify(version) },
};
mkdirSync('dist/bin', { recursive: true });
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));
await build({
  ...common,
  entryPoints: present,
  outdir: 'dist/bin',
  format: 'cjs',
  external: ['koffi', './tui.mjs'],
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
    alias: { 'react-devtools-core': './scripts/empty-module.mjs' },
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
}
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
cpSync('scripts/cli-loader.cjs', 'dist/bin/tsbuild.js');
chmodSync('dist/bin/tsbuild.js', 0o755);
