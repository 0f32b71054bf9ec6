// `npm run bench`: whole processes of tsbuild beside the tools that are installed here, in turn, on the same work.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { largeImage, startRegistry } from './large-image.mjs';
import { median, ProcessFailed, run, runMeasured, tryRun } from './process.mjs';
import { machine, textTable, writeJson, writeMarkdown } from './report.mjs';
import { createBuildah } from './tool-buildah.mjs';
import { createDocker } from './tool-docker.mjs';
import { createNode } from './tool-node.mjs';
import { createSkopeo } from './tool-skopeo.mjs';
import { createTsbuild } from './tool-tsbuild.mjs';
import { createUmoci } from './tool-umoci.mjs';
import { OPERATIONS, writeRegistriesConf, writeWorkload } from './workload.mjs';

const USAGE = `usage: npm run bench -- [big] [--quick] [--only OPERATION,...] [--json FILE] [--markdown FILE]

big                pull, save, load, push and unpack an image of 2.8 GB (BENCH_MEGABYTES), with memory and processor time;
                   it makes the image, and runs a docker-registry of its own

operations         ${OPERATIONS.map(({ id }) => id).join(', ')}
BENCH_REGISTRY     registry to pull from, such as 127.0.0.1:5000 (no TLS); without it nothing is moved
BENCH_IMAGE        image in that registry (default tensorflow/tensorflow:latest)
BENCH_DOCKER_HOST  Docker daemons, comma-separated (default DOCKER_HOST, then unix:///var/run/docker.sock)`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const BIG = 'big';
const isBig = positionals[0] === BIG;
const rounds = flags.quick
  ? { build: 3, transfer: 1, large: 1, 'first-run': 1 }
  : { build: 15, transfer: 3, large: 3, 'first-run': 1 };
let registry = process.env.BENCH_REGISTRY ?? null;
let image = registry === null ? null : `${registry}/${process.env.BENCH_IMAGE ?? 'tensorflow/tensorflow:latest'}`;
const skipped = [];

/** A peer, or nothing when it is not to be had: then the report says why. */
function peer(tool, create) {
  try {
    return [create()];
  } catch (error) {
    if (!(error instanceof ProcessFailed)) throw error;
    skipped.push({ tool, reason: error.message });
    return [];
  }
}

/** The large image in a registry, and another registry that is empty. @returns what the tools need to know of them */
async function openLarge(scratch) {
  const layout = largeImage(Number(process.env.BENCH_MEGABYTES ?? '2800'));
  const source = await startRegistry(join(scratch, 'source'));
  const pushed = await startRegistry(join(scratch, 'pushed'));
  registry = source.address;
  image = `${registry}/bench/large:latest`;
  const close = () => [source, pushed].map((server) => server.close());
  return { layout, pushed, close };
}

function openTools(scratch, large) {
  const folders = writeWorkload(scratch, image ?? 'scratch');
  const registriesConf = join(scratch, 'registries.conf');
  writeRegistriesConf(registriesConf, registry ?? 'localhost:1', large === undefined ? [] : [large.pushed.address]);
  const baseArchive = join(scratch, 'base.tar');
  const options = { scratch, registriesConf, folders, image, baseArchive, ...large };
  const tsbuild = createTsbuild(options);
  tsbuild.makeBase(baseArchive);
  if (large !== undefined) tsbuild.putImage(large.layout, image);
  const hosts = process.env.BENCH_DOCKER_HOST ?? process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  return [
    tsbuild,
    createNode(options),
    ...hosts
      .split(',')
      .flatMap((host, index) => peer(`docker at ${host}`, () => createDocker(host, { ...options, index }))),
    ...peer('buildah', () => createBuildah(options)),
    ...peer('skopeo', () => createSkopeo(options)),
    ...(large === undefined ? [] : peer('umoci', () => createUmoci(options))),
  ];
}

/** One run of one operation by one tool. @returns what the commands alone took: `milliseconds`, `cpu`, `kilobytes` */
function once(tool, operation) {
  operation.before?.();
  // What others have written must not be written back on this one's time.
  run(['sync']);
  const taken = { milliseconds: 0, cpu: 0, kilobytes: 0 };
  let first = 0;
  for (const argv of operation.argv()) {
    const result = (isBig ? runMeasured : run)(argv, { env: tool.env });
    // Of two builds: how much longer each step more takes.
    if (operation.steps !== undefined) taken.milliseconds = (result.milliseconds - first) / operation.steps;
    else taken.milliseconds += result.milliseconds;
    first = result.milliseconds;
    taken.cpu += result.cpu ?? 0;
    taken.kilobytes = Math.max(taken.kilobytes, result.kilobytes ?? 0);
    operation.check?.(result.output);
  }
  operation.after?.();
  return taken;
}

/** All tools in turn, so that a slow minute of the machine is everyone's; a tool that fails is out, with the reason. */
function measure({ id, kind }, tools) {
  let running = tools.filter((tool) => tool.operations[id] !== undefined);
  const runs = new Map(running.map((tool) => [tool.name, []]));
  const attempt = (tool, action) => {
    try {
      action();
      return true;
    } catch (error) {
      if (!(error instanceof ProcessFailed)) throw error;
      skipped.push({ tool: tool.name, operation: id, reason: error.message });
      runs.delete(tool.name);
      return false;
    }
  };
  const each = (action) => {
    running = running.filter((tool) => attempt(tool, () => action(tool, tool.operations[id])));
  };
  each((_, operation) => operation.prepare?.());
  if (kind === 'build') each(once);
  for (let round = 0; round < rounds[kind]; round += 1) {
    each((tool, operation) => runs.get(tool.name).push(once(tool, operation)));
    process.stderr.write(`\r${id} ${round + 1}/${rounds[kind]} `);
  }
  process.stderr.write('\n');
  return [...runs].map(([name, all]) => {
    const tool = tools.find((each) => each.name === name);
    const archive = tool.operations[id].result;
    const bytes = archive === undefined ? {} : { bytes: statSync(archive).size };
    const times = all.map(({ milliseconds }) => milliseconds);
    const seen = isBig && tool.hasDaemon !== true;
    const processes = seen
      ? { cpu: median(all.map(({ cpu }) => cpu)), kilobytes: Math.max(...all.map(({ kilobytes }) => kilobytes)) }
      : {};
    return { operation: id, tool: name, median: median(times), runs: times, ...bytes, ...processes };
  });
}

function chosenOperations() {
  const names = flags.only?.split(',') ?? OPERATIONS.map(({ id }) => id);
  const unknown = names.find((name) => !OPERATIONS.some(({ id }) => id === name));
  if (unknown !== undefined) throw new Error(`no operation "${unknown}"\n${USAGE}`);
  const chosen = OPERATIONS.filter(({ id, kind }) => names.includes(id) && (isBig || kind !== 'large'));
  if (isBig) return chosen.filter(({ kind }) => kind === 'transfer' || kind === 'large');
  if (image !== null) return chosen;
  if (chosen.some(({ kind }) => kind !== 'build'))
    skipped.push({ operation: 'transfers', reason: 'BENCH_REGISTRY is not set' });
  return chosen.filter(({ kind }) => kind === 'build');
}

function bench(scratch, large) {
  const operations = chosenOperations();
  const tools = openTools(scratch, large);
  try {
    const results = operations.flatMap((operation) => measure(operation, tools));
    const measured = tools.filter(({ name }) => results.some(({ tool }) => tool === name));
    const named = measured.map(({ name, version }) => ({ name, version }));
    return { kind: isBig ? 'big' : 'usual', machine: machine(), image, rounds, tools: named, results, skipped };
  } finally {
    for (const tool of tools) tool.close();
  }
}

function removeScratch(directory) {
  // Storage of buildah may still be mounted below: what is busy is left to the system's own cleaning of temporary files.
  tryRun(['umount', '--lazy', join(directory, 'buildah', 'overlay', 'overlay')]);
  rmSync(directory, { recursive: true, force: true });
}

const unknown = positionals.find((word, index) => index > 0 || word !== BIG);
if (flags.help || unknown !== undefined) {
  console.log(USAGE);
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'tsbuild-bench-'));
  let large;
  try {
    if (isBig) large = await openLarge(scratch);
    const report = bench(scratch, large);
    console.log(textTable(report));
    if (flags.json !== undefined) writeJson(resolve(flags.json), report);
    if (flags.markdown !== undefined) writeMarkdown(resolve(flags.markdown), report);
    if (report.skipped.some(({ tool }) => tool === 'tsbuild')) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof ProcessFailed)) throw error;
    console.error(`bench failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    large?.close();
    removeScratch(scratch);
  }
}
