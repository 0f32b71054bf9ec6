// `npm run demo`: the whole of tsbuild on this machine alone. A base image made of the host's own programs, a build of two
// stages, the same again out of the cache, a save, a load into an empty store, and a step run on what was loaded.
// No daemon, no registry, no root. Ends with status 1 when an image id differs from what it must be.
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const cli = 'dist/bin/tsbuild.js';
const fixture = 'fixtures/dockerfiles/demo';
const scratch = mkdtempSync(join(tmpdir(), 'tsbuild-demo-'));
const stores = { first: join(scratch, 'first'), second: join(scratch, 'second') };
const archive = join(scratch, 'visits.tar');
class DemoFailed extends Error {}

/** Runs one command, shown as a user would type it. Its output is shown too, or returned with `capture`. */
function tsbuild(store, words, { capture = false } = {}) {
  if (!capture) console.log(`\n$ tsbuild --store ${store} ${words.join(' ')}`);
  const started = performance.now();
  // Progress goes to stderr; here it follows its command in one stream, so that the two cannot change places.
  const stdio = ['ignore', capture ? 'pipe' : 1, capture ? 2 : 1];
  const argv = [cli, '--store', store, ...words];
  const { status, signal, stdout, error } = spawnSync(process.execPath, argv, { stdio, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new DemoFailed(`tsbuild ${words[0]} ended with ${signal ?? `status ${status}`}`);
  return { output: stdout?.trim(), milliseconds: Math.round(performance.now() - started) };
}

const idOf = (store, name) => tsbuild(store, ['inspect', '--format', '{{.Id}}', name], { capture: true }).output;
const configOf = (store, name) =>
  JSON.parse(tsbuild(store, ['inspect', '--format', '{{json .Config}}', name], { capture: true }).output);

function build(store, name, file) {
  const words = ['build', '--progress', 'plain', '-t', name, '-f', `${fixture}/${file}`, `${fixture}/context`];
  return { ...tsbuild(store, words), id: idOf(store, name) };
}

function demo() {
  tsbuild(stores.first, ['bootstrap', '--progress', 'plain', '-t', 'demo/base']);
  const built = build(stores.first, 'demo/visits', 'Dockerfile');
  const again = build(stores.first, 'demo/visits', 'Dockerfile');
  tsbuild(stores.first, ['save', '-o', archive, 'demo/visits']);
  tsbuild(stores.second, ['load', '-i', archive]);
  const loadedId = idOf(stores.second, 'demo/visits');
  build(stores.second, 'demo/shown', 'show.Dockerfile');
  const { User, Env, WorkingDir, Cmd } = configOf(stores.second, 'demo/visits');

  console.log('\nthe image starts with');
  console.log(JSON.stringify({ User, Env, WorkingDir, Cmd }, null, 2));
  console.log(`\nbuilt         ${built.id}  ${built.milliseconds} ms`);
  console.log(`built again   ${again.id}  ${again.milliseconds} ms`);
  console.log(`saved         ${(statSync(archive).size / 1e6).toFixed(1)} MB`);
  console.log(`loaded        ${loadedId}`);
  if (!/^sha256:[0-9a-f]{64}$/.test(built.id) || again.id !== built.id || loadedId !== built.id) {
    throw new DemoFailed('the image ids differ');
  }
  console.log('\nThe ids match.');
}

/** An overlay's work directory has mode 0, which keeps everyone but root from looking into it. */
function removeTree(path) {
  const openUp = (directory) => {
    chmodSync(directory, 0o700);
    for (const name of readdirSync(directory)) {
      const child = join(directory, name);
      if (lstatSync(child).isDirectory()) openUp(child);
    }
  };
  openUp(path);
  rmSync(path, { recursive: true, force: true });
}

try {
  demo();
} catch (error) {
  if (!(error instanceof DemoFailed)) throw error;
  console.error(`\ndemo failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  removeTree(scratch);
}
