// Compiles a WebAssembly module of assembly/, once for each state of its source.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const common = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--use', 'abort='];
const cache = 'node_modules/.cache/assembly';

/** Writes the module of `assembly/<name>/<name>.ts`, which has `pages` of 64 KiB, to all of `targets`. */
export async function buildAssembly(name, { pages, targets }) {
  const source = `assembly/${name}`;
  const options = [
    `${source}/${name}.ts`,
    ...common,
    ...['--initialMemory', String(pages), '--maximumMemory', String(pages)],
  ];
  const module = join(cache, `${fingerprint(source, options)}.wasm`);
  if (!existsSync(module)) await compile(module, options);
  for (const target of targets) {
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(module, target);
  }
}

function fingerprint(source, options) {
  const hash = createHash('sha256').update(JSON.stringify(options));
  hash.update(JSON.parse(readFileSync(join(dirname(compiler), '../package.json'), 'utf8')).version);
  for (const name of readdirSync(source).sort()) hash.update(`\0${name}\0`).update(readFileSync(join(source, name)));
  return hash.digest('hex').slice(0, 16);
}

async function compile(module, options) {
  const unfinished = `${module}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const command = [compiler, ...options, '--outFile', unfinished];
  const [status] = await once(spawn(process.execPath, command, { stdio: 'inherit' }), 'exit');
  if (status !== 0) throw new Error(`cannot compile ${options[0]}: the compiler ended with ${status}`);
  renameSync(unfinished, module);
}
