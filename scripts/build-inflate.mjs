// Compiles the WebAssembly module that inflates (assembly/inflate), once for each state of its source.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = 'assembly/inflate';
const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const options = [
  `${source}/inflate.ts`,
  ...['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--use', 'abort='],
  // In pages of 64 KiB, for what layout.ts lays out.
  ...['--initialMemory', '6', '--maximumMemory', '6'],
];
const cache = 'node_modules/.cache/inflate';

/** Writes the module to all of `targets`. */
export async function buildInflate(targets) {
  const module = join(cache, `${fingerprint()}.wasm`);
  if (!existsSync(module)) await compile(module);
  for (const target of targets) {
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(module, target);
  }
}

function fingerprint() {
  const hash = createHash('sha256').update(JSON.stringify(options));
  hash.update(JSON.parse(readFileSync(join(dirname(compiler), '../package.json'), 'utf8')).version);
  for (const name of readdirSync(source).sort()) hash.update(`\0${name}\0`).update(readFileSync(join(source, name)));
  return hash.digest('hex').slice(0, 16);
}

async function compile(module) {
  const unfinished = `${module}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const command = [compiler, ...options, '--outFile', unfinished];
  const [status] = await once(spawn(process.execPath, command, { stdio: 'inherit' }), 'exit');
  if (status !== 0) throw new Error(`cannot compile ${source}: the compiler ended with ${status}`);
  renameSync(unfinished, module);
}
