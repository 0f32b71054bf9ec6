import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ResolvedTargets } from '../../bake/target/resolve-targets.js';
import { linksOf } from '../../bake/target/resolve-targets.js';
import { textOf, type Target } from '../../bake/target/field.js';
import type { BuildResult } from '../../builder/build-request.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { writeOutputFile } from '../../support/output-file.js';
import type { BuildTask } from '../../toolchain/toolchain-types.js';
import type { ActivityOptions } from '../../toolchain/activity-options.js';
import { parseArguments, usageError, type ParsedArguments } from '../argv.js';
import { refuseAttestations } from '../options/attestations.js';
import { metadataOf } from '../results/build-metadata.js';
import { readOutputs } from '../options/build-outputs.js';
import { readBuildTask } from '../build-task.js';
import { argumentsSpec } from '../command.js';
import { lazyToolchain } from '../commands/open-toolchain.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { plainLine } from '../text/terminal-text.js';
import { Leave } from './leave.js';
import type { BakeContext, TargetCommand } from './target-command.js';
import { TARGET_OPTIONS, targetWords } from './target-words.js';

const BAKE = { command: 'tsbuild bake' };

/** Builds targets in one graph, or answers what `call` asks of each. */
export async function bakeTargets(resolved: ResolvedTargets, context: BakeContext): Promise<void> {
  const { parsed, host } = context;
  const targets = inOrder(resolved);
  const leave = await Leave.of(parsed, host);
  const read: TargetCommand[] = [];
  for (const target of targets) {
    await leave.check(target);
    read.push({ target, parsed: await commandOf(target, context) });
  }
  const asked = read.filter(({ target }) => isCall(target) && !resolved.linked.has(target.name));
  const built = read.filter(({ target }) => !isCall(target));
  const needed = built.some(({ target }) => !resolved.linked.has(target.name)) ? built : [];
  if (needed.length > 0) await buildTargets(needed, resolved, context);
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

async function commandOf(target: Target, { parsed, host, commands }: BakeContext): Promise<ParsedArguments> {
  const build = commands.find(({ name }) => name === 'build');
  if (build === undefined) throw new Error('internal error: there is no command "build"');
  const spec = argumentsSpec({ ...build, options: [...build.options, ...TARGET_OPTIONS] });
  const shared = SHARED.flatMap((name) => {
    const value = parsed.value(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const stores = parsed.list('additional-store').map((store) => `--additional-store=${store}`);
  return await ofTarget(target, async () =>
    parseArguments([...shared, ...stores, ...(await targetWords(target, host.cwd))], spec),
  );
}

/** Says which target a mistake is in. */
async function ofTarget<T>({ name }: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTsbuildError(error) || error.code === 'ABORTED') throw error;
    const { code, message, source, details, cause } = error;
    const hint = error.hint?.replace(/ ?See 'tsbuild build --help'\.$/, '');
    const told = message.startsWith(`cannot build target "${name}"`)
      ? message
      : `cannot build target "${name}": ${message}`;
    throw new TsbuildError(code, told, { hint: hint === '' ? undefined : hint, source, details, cause });
  }
}

async function buildTargets(
  read: readonly TargetCommand[],
  { linked }: ResolvedTargets,
  { parsed, host }: BakeContext,
): Promise<void> {
  const mode = progressMode(parsed.value('progress'), host);
  const wanted = read.map(({ target, parsed: words }) => ({ target, words, outputs: outputsOf(words, host) }));
  if (wanted.filter(({ outputs }) => outputs.usesStandardOutput).length > 1) {
    throw usageError(
      BAKE,
      'cannot build: the results of two targets go to standard output',
      'Give one of them a file.',
    );
  }
  const metadataFile = parsed.value('metadata-file');
  const renderer = await openRenderer(mode, host);
  const results = await withRenderer(renderer, async (progress) => {
    if (metadataFile !== undefined) await rm(resolve(host.cwd, metadataFile), { force: true });
    await using lazy = lazyToolchain(parsed, host);
    const activity: Required<Pick<ActivityOptions, 'progress' | 'signal'>> = { progress, signal: host.signal };
    const tasks: BuildTask[] = [];
    for (const { target, words, outputs } of wanted) {
      const reading = { wanted: outputs, toolchain: () => lazy.get(), activity };
      tasks.push(await ofTarget(target, () => readBuildTask(words, host, reading)));
    }
    return await (await lazy.get()).buildAll(tasks, activity);
  });
  const named = wanted.flatMap(({ target: { name } }, number) =>
    linked.has(name) ? [] : results.slice(number, number + 1).map((result): NamedResult => ({ name, result })),
  );
  if (metadataFile !== undefined) await writeMetadata(metadataFile, host.cwd, named);
  if (mode === 'plain' || mode === 'tty') await print(host.stderr, resultLines(named));
}

function outputsOf(words: ParsedArguments, host: Host): ReturnType<typeof readOutputs> {
  refuseAttestations(words);
  return readOutputs(words, host);
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
