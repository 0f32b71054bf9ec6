// A process of its own for each kind of sandbox: makes it, and root file systems to run in, and runs what it is sent over IPC.
// usage: sandbox-driver.mjs direct|user-namespace '{"base","isolation","runtime","rootfs","userName"}'
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { writeErofs } from '../../dist/layers/erofs/write-erofs.js';
import { LayerContent } from '../../dist/layers/index/layer-content.js';
import { layerNodes } from '../../dist/layers/index/layer-nodes.js';
import { NodesTree } from '../../dist/layers/index/nodes-tree.js';
import { readLayerIndex } from '../../dist/layers/index/read-layer-index.js';
import { TarIndexer } from '../../dist/layers/index/tar-indexer.js';
import { TarParser } from '../../dist/layers/tar/tar-parser.js';
import { digestOf } from '../../dist/oci/digest.js';
import { createSandbox } from '../../dist/sandbox/create-sandbox.js';
import { findRuntimes } from '../../dist/sandbox/runtime/runtime.js';
import { descendantsOf } from '../../dist/sandbox/chroot/process-tree.js';
import { planUserNamespace, spawnInUserNamespace } from '../../dist/support/user-namespace.js';

const [, self, mode, text] = process.argv;
const setting = JSON.parse(text);

if (mode === 'user-namespace') {
  const plan = await planUserNamespace({
    uid: process.getuid(),
    gid: process.getgid(),
    userName: setting.userName,
    ...(setting.single ? { root: '/nonexistent' } : {}),
  });
  const wanted = setting.single ? 'single' : 'full';
  if (plan.kind !== wanted) {
    process.send({ unavailable: `no ${wanted} mapping: ${plan.reason}` });
    process.exit();
  }
  const child = await spawnInUserNamespace(plan, process.execPath, [self, 'direct', text], {
    env: { TSBUILD_CANARY: 'leaked' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  child.on('message', (message) => process.send(message));
  process.on('message', (message) => child.send(message));
  child.on('exit', () => process.exit());
  process.on('disconnect', () => child.disconnect());
} else await serve();

async function serve() {
  process.env.TSBUILD_CANARY = 'leaked';
  let sandbox;
  try {
    sandbox = await createSandbox({
      upcoming: () => 1,
      temporaryDirectory: setting.base,
      isolation: setting.isolation,
      ...(setting.runtime && { runtimes: findRuntimes([setting.runtime]) }),
    });
  } catch (error) {
    process.send({ unavailable: String(error) });
    process.exit();
  }
  process.send({ name: sandbox.name, overlay: sandbox.overlay, images: sandbox.images, notice: sandbox.notice });
  process.on('message', async (request) => {
    process.send({ id: request.id, ...(await perform(sandbox, request)) });
  });
  process.on('disconnect', async () => {
    await sandbox[Symbol.asyncDispose]();
    process.exit();
  });
}

async function perform(sandbox, request) {
  const place = mkdtempSync(join(setting.base, 'run-'));
  const files = { base: join(place, 'base'), upper: join(place, 'upper'), work: join(place, 'work') };
  for (const path of Object.values(files)) mkdirSync(path);
  layOut(files.base, request.files);
  const { upper, work } = files;
  const lower = setting.rootfs === 'images' ? imageOf(files.base, place) : files.base;
  const rootfs =
    setting.rootfs === 'directory'
      ? { kind: 'directory', path: files.base }
      : { kind: 'overlay', lowers: [lower], upper, work };
  const before = { listing: listing(files.base), mounts: mounts(), upper: listing(files.upper) };
  const output = { stdout: [], stderr: [], both: [] };
  const sink = (name) =>
    new Writable({
      write(chunk, _, done) {
        output[name].push(chunk);
        done();
      },
    });
  const stdout = request.together ? sink('both') : sink('stdout');
  const stderr = request.together ? stdout : sink('stderr');
  const abort = new AbortController();
  const timer = request.abortAfterMs && setTimeout(() => abort.abort(), request.abortAfterMs);
  const answer = {};
  const began = performance.now();
  try {
    const spec = { ...request.spec, rootfs };
    const running = sandbox.run(spec, { stdout, stderr, signal: abort.signal });
    // A timer of 0 would be one of 1, by which a step may be over.
    if (request.abortAfterMs === 0) abort.abort();
    answer.result = await running;
  } catch (error) {
    answer.error = { code: error.code ?? 'none', message: error.message, hint: error.hint, stack: error.stack };
  }
  clearTimeout(timer);
  answer.milliseconds = performance.now() - began;
  answer.processes = await leftProcesses();
  answer.mountsKept = mounts() === before.mounts;
  answer.changes =
    setting.rootfs === 'directory'
      ? changes(before.listing, listing(files.base))
      : changes(before.upper, listing(files.upper));
  for (const [name, chunks] of Object.entries(output)) answer[name] = Buffer.concat(chunks).toString();
  rmSync(place, { recursive: true, force: true });
  return answer;
}

/** Two processes, one the child of the other, wait for the next step. */
const WAITING = ['tsbuild-init ', 'tsbuild-init '];

/** Our descendants, but for those that may wait for the next step; while they are being made they have no name yet. */
async function leftProcesses() {
  const until = performance.now() + 2_000;
  for (;;) {
    const commands = descendantsOf(process.pid).map(({ pid }) => commandOf(pid));
    const left = [...commands];
    for (const name of WAITING) if (left.includes(name)) left.splice(left.indexOf(name), 1);
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** But for what other tests and their daemons mount meanwhile, in places of their own. */
function mounts() {
  const table = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const places = table.map((line) => line.split(' ')[4] ?? '');
  const isOthers = (place) => /^\/(tmp|run|var)\//.test(place) && !place.startsWith(setting.base);
  return table.filter((_, index) => !isOthers(places[index])).join('\n');
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Static busybox, and what the test adds: {path, content|link|directory, mode}. */
function layOut(root, files = []) {
  mkdirSync(join(root, 'bin'));
  cpSync('/bin/busybox', join(root, 'bin/busybox'));
  const applets =
    'sh true false ls cat id env mount umount chroot ps sleep echo stat hostname grep head readlink ip kill touch setsid unshare mkdir rmdir rm dd seq wc mv ln test chmod pwd mknod sort tr awk';
  for (const name of applets.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
  for (const { path, content, from, link, mode = 0o755 } of files) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (link !== undefined) symlinkSync(link, full);
    else if (from !== undefined) cpSync(from, full);
    else if (content !== undefined) writeFileSync(full, content);
    else mkdirSync(full, { recursive: true });
    if (link === undefined) chmodSync(full, mode);
  }
}

/** The directory as a layer that is mounted from its tar. */
function imageOf(directory, place) {
  const image = { metadata: join(place, 'layer.erofs'), tar: join(place, 'layer.tar') };
  const { status, stderr } = spawnSync('tar', ['-c', '-f', image.tar, '-C', directory, '.'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  const tar = readFileSync(image.tar);
  const [indexer, parser] = [new TarIndexer(), new TarParser()];
  indexer.chunk(tar);
  for (const event of parser.push(tar)) indexer.event(event);
  parser.finish();
  const index = readLayerIndex(indexer.finish(digestOf(tar)));
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: index.diffId, size: tar.length };
  const content = new LayerContent({ layer: { descriptor, diffId: index.diffId }, tarSize: tar.length }, image.tar);
  const root = layerNodes({ index, content, below: new NodesTree([]), number: 0 });
  const layer = { diffId: index.diffId, tarSize: tar.length, root };
  const pieces = writeErofs(layer, { id: index.diffId, opaqueXattr: 'trusted.overlay.opaque' });
  writeFileSync(image.metadata, Buffer.concat([...pieces]));
  return image;
}

function listing(root) {
  const lines = {};
  const visit = (path) => {
    const full = join(root, path);
    const stat = lstatSync(full, { bigint: true });
    const what = stat.isSymbolicLink() ? readlinkSync(full) : stat.isFile() ? readFileSync(full, 'latin1') : stat.rdev;
    lines[path || '/'] = [stat.mode, stat.uid, stat.gid, stat.mtimeNs, what].join(' ');
    if (stat.isDirectory()) for (const name of readdirSync(full).sort()) visit(`${path}/${name}`);
  };
  visit('');
  return lines;
}

function changes(before, after) {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]).sort();
}
