import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ResolvedTargets } from '../../bake/target/resolve-targets.js';
import { linksOf } from '../../bake/target/resolve-targets.js';
import { textOf, type Target } from '../../bake/target/field.js';
import type { BuildResult } from '../../builder/build-request.js';
import { writeOutputFile } from '../../support/output-file.js';
import { parseArguments, type ParsedArguments } from '../argv.js';
import { metadataOf } from '../results/build-metadata.js';
import { listLine } from '../results/list-line.js';
import { argumentsSpec } from '../command.js';
import { lazyToolchain } from '../commands/open-toolchain.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { plainLine } from '../text/terminal-text.js';
import { Leave } from './leave.js';
import type { BakeContext, TargetCommand } from './target-command.js';
import { ofTarget, readTargets, readTasks } from './target-tasks.js';
import { TARGET_OPTIONS, targetWords } from './target-words.js';

/** Builds targets in one graph, or answers what `call` asks of each. */
export async function bakeTargets(resolved: ResolvedTargets, context: BakeContext): Promise<void> {
  const { parsed, host } = context;
  const targets = inOrder(resolved);
  const leave = await Leave.of(parsed, host);
  const read: TargetCommand[] = [];
  for (const target of targets) {
    await leave.check(target);
    read.push({ target, parsed: await commandOf(target, resolved, context) });
  }
  const asked = read.filter(({ target }) => isCall(target) && !resolved.linked.has(target.name));
  const built = read.filter(({ target }) => !isCall(target));
  const needed = built.some(({ target }) => !resolved.linked.has(target.name)) ? built : [];
  if (needed.length > 0 && parsed.flag('dry-run')) {
    const { dryRunTargets } = await import('./dry-run-targets.js');
    await dryRunTargets(needed, context);
  } else if (needed.length > 0) await buildTargets(needed, resolved, context);
  if (asked.length > 0) {
    const { callTargets } = await import('./call-targets.js');
    await callTargets(asked, context);
  }
}

function isCall(target: Target): boolean {
  return !['', 'build'].includes(textOf(target, 'call') ?? '');
}

/** A target that others use comes before them. */
function inOrder({ targets }: ResolvedTargets): readonly Target[] {
  const ordered = new Set<Target>();
  const add = (target: Target): void => {
    for (const name of linksOf(target)) {
      const other = targets.get(name);
      if (other !== undefined && !ordered.has(other)) add(other);
    }
    ordered.add(target);
  };
  for (const target of targets.values()) add(target);
  return [...ordered];
}

/** Options that bake has, too, mean the same of each target. */
const SHARED: readonly string[] = ['store', 'authfile', 'isolation', 'jobs'];

async function commandOf(
  target: Target,
  { linked }: ResolvedTargets,
  { parsed, host, commands }: BakeContext,
): Promise<ParsedArguments> {
  const build = commands.find(({ name }) => name === 'build');
  if (build === undefined) throw new Error('internal error: there is no command "build"');
  const spec = argumentsSpec({ ...build, options: [...build.options, ...TARGET_OPTIONS] });
  // What is only there for others to start from is no result.
  const names = linked.has(target.name) ? SHARED : [...SHARED, 'manifest'];
  const shared = names.flatMap((name) => {
    const value = parsed.value(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const stores = parsed.list('additional-store').map((store) => `--additional-store=${store}`);
  return await ofTarget(target, async () =>
    parseArguments([...shared, ...stores, ...(await targetWords(target, host.cwd))], spec),
  );
}

async function buildTargets(
  commands: readonly TargetCommand[],
  { linked }: ResolvedTargets,
  { parsed, host }: BakeContext,
): Promise<void> {
  const mode = progressMode(parsed.value('progress'), host);
  const targets = readTargets(commands, host);
  const metadataFile = parsed.value('metadata-file');
  const renderer = await openRenderer(mode, host);
  const results = await withRenderer(renderer, async (progress) => {
    if (metadataFile !== undefined) await rm(resolve(host.cwd, metadataFile), { force: true });
    await using lazy = lazyToolchain(parsed, host);
    const tasks = await readTasks(targets, { host, toolchain: () => lazy.get(), progress });
    const built = await (await lazy.get()).buildAll(tasks, { progress, signal: host.signal });
    const list = built.findLast(({ manifestList }) => manifestList !== undefined)?.manifestList;
    if (list !== undefined) progress({ type: 'notice', message: listLine(list) });
    return built;
  });
  const named = targets.flatMap(({ target: { name } }, number) =>
    linked.has(name) ? [] : results.slice(number, number + 1).map((result): NamedResult => ({ name, result })),
  );
  if (metadataFile !== undefined) await writeMetadata(metadataFile, host.cwd, named);
  if (mode === 'plain' || mode === 'tty') await print(host.stderr, resultLines(named));
}

interface NamedResult {
  readonly name: string;
  readonly result: BuildResult;
}

/** What docker buildx writes: for each target what a build's file has. */
async function writeMetadata(path: string, cwd: string, results: readonly NamedResult[]): Promise<void> {
  const metadata = Object.fromEntries(results.map(({ name, result }) => [name, metadataOf(result)]));
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  await writeOutputFile(path, single(Buffer.from(text)), { cwd, mode: 0o644, brief: true });
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes);
}

function resultLines(results: readonly NamedResult[]): string {
  return results
    .map(
      ({ name, result: { imageId, index, names } }) =>
        `${[name, index?.digest ?? imageId, ...names].map(plainLine).join(' ')}\n`,
    )
    .join('');
}
