// `npm run bench`: whole processes of tsbuild beside the tools that are installed here, in turn, on the same work.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createArchives } from './archives.mjs';
import { largeImage, startRegistry } from './large-image.mjs';
import { median, ProcessFailed, run, runMeasured, tryRun } from './process.mjs';
import { machine, textTable, writeJson, writeMarkdown } from './report.mjs';
import { createBuildah } from './tool-buildah.mjs';
import { createDocker } from './tool-docker.mjs';
import { createNode } from './tool-node.mjs';
import { createSkopeo } from './tool-skopeo.mjs';
import { createTsbuild, createTsbuildUnpacked } from './tool-tsbuild.mjs';
import { createUmoci } from './tool-umoci.mjs';
import { OPERATIONS, writeRegistriesConf, writeWorkload } from './workload.mjs';

const USAGE = `usage: npm run bench -- [big] [--quick] [--only OPERATION,...] [--json FILE] [--markdown FILE]

big                pull, save, load, push and unpack an image of 2.8 GB (BENCH_MEGABYTES), with memory and processor time,
                   and what it takes of the disk; it makes the image, and runs a docker-registry of its own

operations         ${OPERATIONS.map(({ id }) => id).join(', ')}
BENCH_REGISTRY     registry to pull from, such as 127.0.0.1:5000 (no TLS); without it nothing is moved
BENCH_IMAGE        image in that registry (default tensorflow/tensorflow:latest)
BENCH_WORK_IMAGE   image in that registry with apt, find and tar, that operations run-… work upon (default library/debian:latest)
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
  ? { build: 3, transfer: 1, large: 1, 'first-run': 1, work: 1 }
  : { build: 15, transfer: 3, large: 3, 'first-run': 1, work: 5 };
let registry = process.env.BENCH_REGISTRY ?? null;
let image = registry === null ? null : `${registry}/${process.env.BENCH_IMAGE ?? 'tensorflow/tensorflow:latest'}`;
const skipped = [];

class Interrupted extends Error {}
let interruption;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (interruption = signal));

/** Processes are waited for without a turn of the event loop: whether a signal has come shows only here. */
async function goOn() {
  await turn();
  if (interruption !== undefined) throw new Interrupted(interruption);
}

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
async function openLarge(scratch, servers) {
  const layout = largeImage(Number(process.env.BENCH_MEGABYTES ?? '2800'));
  for (const name of ['source', 'pushed']) servers.push(await startRegistry(join(scratch, name)));
  const [source, pushed] = servers;
  registry = source.address;
  image = `${registry}/bench/large:latest`;
  return { layout, pushed };
}

/** Adds the tools to `tools` one by one: whatever stops it, those that are open can be closed. */
async function openTools(tools, scratch, large) {
  const folders = writeWorkload(scratch, image ?? 'scratch');
  const registriesConf = join(scratch, 'registries.conf');
  writeRegistriesConf(registriesConf, registry ?? 'localhost:1', large === undefined ? [] : [large.pushed.address]);
  const baseArchive = join(scratch, 'base.tar');
  const archives = createArchives(scratch);
  const workImage = `${registry}/${process.env.BENCH_WORK_IMAGE ?? 'library/debian:latest'}`;
  const options = { scratch, registriesConf, folders, image, workImage, baseArchive, archives, ...large };
  const tsbuild = createTsbuild(options);
  tools.push(tsbuild);
  tsbuild.makeBase(baseArchive);
  if (large !== undefined) tsbuild.putImage(large.layout, image);
  const { work } = tsbuild;
  const hosts = (process.env.BENCH_DOCKER_HOST ?? process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').split(',');
  const peers = [
    ['tsbuild, unpacked', () => createTsbuildUnpacked({ ...options, work })],
    ['node', () => createNode(options)],
    ...hosts.map((host, index) => [`docker at ${host}`, () => createDocker(host, { ...options, index, work })]),
    ['buildah', () => createBuildah(options)],
    ['skopeo', () => createSkopeo(options)],
    ...(large === undefined ? [] : [['umoci', () => createUmoci(options)]]),
  ];
  for (const [name, create] of peers) {
    await goOn();
    tools.push(...peer(name, create));
  }
  return { work, archives };
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
    else taken.milliseconds += operation.took?.(result.output) ?? result.milliseconds;
    first = result.milliseconds;
    taken.cpu += result.cpu ?? 0;
    taken.kilobytes = Math.max(taken.kilobytes, result.kilobytes ?? 0);
    operation.check?.(result.output);
  }
  operation.after?.();
  return taken;
}

/** Does it for one tool after the other. @returns those that did not fail; of the others the report says why */
async function each(id, tools, action) {
  const running = [];
  for (const tool of tools) {
    await goOn();
    try {
      action(tool, tool.operations[id]);
      running.push(tool);
    } catch (error) {
      if (!(error instanceof ProcessFailed)) throw error;
      // A signal goes to the command as well, which then fails.
      await goOn();
      skipped.push({ tool: tool.name, operation: id, reason: error.message });
    }
  }
  return running;
}

/** All tools in turn, so that a slow minute of the machine is everyone's; a tool that fails is out, with the reason. */
async function measure({ id, kind }, tools) {
  const able = tools.filter((tool) => tool.operations[id] !== undefined);
  const runs = new Map(able.map((tool) => [tool.name, []]));
  let running = await each(id, able, (_, operation) => operation.prepare?.());
  if (kind === 'build' || kind === 'work') running = await each(id, running, once);
  for (let round = 0; round < rounds[kind]; round += 1) {
    running = await each(id, running, (tool, operation) => runs.get(tool.name).push(once(tool, operation)));
    process.stderr.write(`\r${id} ${round + 1}/${rounds[kind]} `);
  }
  process.stderr.write('\n');
  return running.map((tool) => {
    const { name } = tool;
    const all = runs.get(name);
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

/** What an image takes of the disk: no times, and so no rounds. */
async function measureSpace({ id }, tools) {
  const able = tools.filter((tool) => tool.operations[id] !== undefined);
  const results = [];
  const prepared = await each(id, able, (_, operation) => operation.prepare());
  await each(id, prepared, ({ name }, operation) => {
    results.push({ operation: id, tool: name, states: operation.states() });
    process.stderr.write(`${id}: ${name}\n`);
  });
  return results;
}

/** What cannot be had here for the work inside a RUN leaves out the operation for all tools. */
function whyNot({ id, kind }, work) {
  if (kind !== 'work') return undefined;
  try {
    return work.whyNot(id);
  } catch (error) {
    if (!(error instanceof ProcessFailed)) throw error;
    return error.message;
  }
}

function chosenOperations() {
  const names = flags.only?.split(',') ?? OPERATIONS.map(({ id }) => id);
  const unknown = names.find((name) => !OPERATIONS.some(({ id }) => id === name));
  if (unknown !== undefined) throw new Error(`no operation "${unknown}"\n${USAGE}`);
  const chosen = OPERATIONS.filter(({ id, kind }) => names.includes(id) && (isBig || kind !== 'large'));
  if (isBig) return chosen.filter(({ kind }) => ['transfer', 'large', 'space'].includes(kind));
  if (image !== null) return chosen;
  if (chosen.some(({ kind }) => kind !== 'build'))
    skipped.push({ operation: 'all that begins with an image', reason: 'BENCH_REGISTRY is not set' });
  return chosen.filter(({ kind }) => kind === 'build');
}

async function bench(scratch, large) {
  const operations = chosenOperations();
  const tools = [];
  try {
    const { work, archives } = await openTools(tools, scratch, large);
    const results = [];
    for (const operation of operations) {
      await goOn();
      const reason = whyNot(operation, work);
      await goOn();
      if (reason !== undefined) skipped.push({ operation: operation.id, reason });
      else {
        if (operation.kind === 'work') work.begin();
        results.push(...(await (operation.kind === 'space' ? measureSpace : measure)(operation, tools)));
      }
    }
    const named = tools.map(({ name, version }) => ({ name, version }));
    const archivesOf = archives.notes();
    return {
      isBig,
      machine: machine(),
      image,
      workImage: work.from,
      archivesOf,
      rounds,
      tools: named,
      results,
      skipped,
    };
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
  const servers = [];
  try {
    const large = isBig ? await openLarge(scratch, servers) : undefined;
    const report = await bench(scratch, large);
    console.log(textTable(report));
    if (flags.json !== undefined) writeJson(resolve(flags.json), report);
    if (flags.markdown !== undefined) writeMarkdown(resolve(flags.markdown), report);
    if (report.skipped.some(({ tool }) => tool === 'tsbuild')) process.exitCode = 1;
  } catch (error) {
    if (error instanceof Interrupted) process.exitCode = 130;
    else if (!(error instanceof ProcessFailed)) throw error;
    else process.exitCode = 1;
    console.error(`bench failed: ${error.message}`);
  } finally {
    for (const server of servers) server.close();
    removeScratch(scratch);
  }
}
