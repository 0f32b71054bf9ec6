import type { Dockerfile, Instruction, Stage } from '../../parser/instruction.js';
import { expandTemplate } from '../../parser/expand-template.js';
import { parsePlatform, type Platform } from '../../oci/platform.js';
import { TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { suggest } from '../../support/suggest.js';
import type { BaseLookup } from './base-lookup.js';
import { copySource, mountSource, namedImage } from './copy-source.js';
import type { FileSource, NamedSource } from './file-source.js';
import type { GlobalArguments } from './global-arguments.js';
import type { NamedContexts } from './named-contexts.js';
import { settleInOrder } from './settle-in-order.js';
import type { StageIndex } from './stage-index.js';

/** An instruction as a stage runs it. */
export interface Command {
  readonly instruction: Instruction;
  /** The file's own, for triggers too: only their words are told apart with the default one. */
  readonly escape: '\\' | '`';
  readonly isTrigger: boolean;
  /** What COPY --from names; absent for the build context and for all other instructions. */
  readonly from?: FileSource;
  /** Of RUN: what `from=` of each mount names, in the order of the instruction's mounts; `undefined` where there is none. */
  readonly mountSources: readonly (FileSource | undefined)[];
}

/** A stage that the target needs, with all that is asked of others about it. */
export interface NeededStage {
  readonly stage: Stage;
  readonly base: FileSource;
  /** ONBUILD triggers of the base first, then the stage's own instructions. */
  readonly commands: readonly Command[];
}

export interface StageSearch {
  readonly dockerfile: Dockerfile;
  readonly index: StageIndex;
  readonly targets: readonly number[];
  readonly targetPlatform: Platform;
  readonly globals: GlobalArguments;
  readonly bases: BaseLookup;
  readonly contexts: NamedContexts;
}

/**
 * The stages reachable from the targets, by FROM, COPY --from and mounts, in the order of the file; nothing is looked up for others. All
 * images that are known to be needed are looked up at once; triggers of an image may then ask for more stages.
 */
export async function findNeededStages(search: StageSearch): Promise<readonly NeededStage[]> {
  const seen = new Set<number>();
  const needed: NeededStage[] = [];
  let wave = reachableFrom(search.targets, seen, search);
  while (wave.length > 0) {
    const described = await settleInOrder(wave.map(async (number) => describeStage(search.index.at(number), search)));
    needed.push(...described);
    wave = reachableFrom(described.flatMap(triggeredStages), seen, search);
  }
  return needed.sort((left, right) => left.stage.index - right.stage.index);
}

/** The numbers of stages that can be reached from `roots` and are not in `seen` yet, to which they are added. */
function reachableFrom(roots: readonly number[], seen: Set<number>, search: StageSearch): readonly number[] {
  const found: number[] = [];
  const open = [...roots];
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    if (seen.has(number)) continue;
    seen.add(number);
    found.push(number);
    const stage = search.index.at(number);
    const taken = instructionsOf(stage, search).flatMap((one) => sourcesOf(one, stage, search));
    for (const source of [stageBase(stage, search), ...taken]) if (source?.kind === 'stage') open.push(source.index);
  }
  return found.sort((left, right) => left - right);
}

function triggeredStages({ commands }: NeededStage): readonly number[] {
  const taken = commands.flatMap(({ isTrigger, from, mountSources }) => (isTrigger ? [from, ...mountSources] : []));
  return taken.flatMap((source) => (source?.kind === 'stage' ? [source.index] : []));
}

async function describeStage(stage: Stage, search: StageSearch): Promise<NeededStage> {
  const { escape } = search.dockerfile;
  const platform = search.targetPlatform;
  const describe = async (instruction: Instruction, isTrigger: boolean): Promise<Command> => {
    const found = await settleInOrder(
      sourcesOf(instruction, stage, search).map(async (named) =>
        named === undefined ? undefined : lookUp(named, { platform, source: instruction.source, bases: search.bases }),
      ),
    );
    const command = { instruction, isTrigger, escape, mountSources: [] } as const;
    if (instruction.keyword === 'RUN') return { ...command, mountSources: found };
    return found[0] === undefined ? command : { ...command, from: found[0] };
  };
  const based = async (): Promise<Pick<NeededStage, 'base' | 'commands'>> => {
    const wanted = stagePlatform(stage, search);
    const base = await lookUp(stageBase(stage, search), {
      platform: wanted,
      source: stage.source,
      bases: search.bases,
    });
    const triggers = await readTriggers(triggersOf(base, stage, search), stage.source);
    return { base, commands: await settleInOrder(triggers.map(async (trigger) => describe(trigger, true))) };
  };
  const own = settleInOrder(instructionsOf(stage, search).map(async (instruction) => describe(instruction, false)));
  const [{ base, commands: triggered }, commands] = await settleBoth(based(), own);
  return { stage, base, commands: [...triggered, ...commands] };
}

async function settleBoth<A, B>(first: Promise<A>, second: Promise<B>): Promise<readonly [A, B]> {
  await settleInOrder<unknown>([first, second]);
  return [await first, await second];
}

async function lookUp(
  named: NamedSource,
  options: { readonly platform: Platform; readonly source: SourceRange; readonly bases: BaseLookup },
): Promise<FileSource> {
  if (named.kind === 'layout') {
    return { kind: 'image', image: await options.bases.getLayout(named.layout, options.platform, options.source) };
  }
  if (named.kind === 'build') return await options.bases.getBuild(named.called, options.platform, options.source);
  if (named.kind !== 'image') return named;
  return { kind: 'image', image: await options.bases.get(named.name, options.platform, options.source) };
}

/** Few bases have any: what reads them, the whole parser, is loaded for those that do. */
async function readTriggers(texts: readonly string[], from: SourceRange): Promise<readonly Instruction[]> {
  if (texts.length === 0) return [];
  const { readTrigger } = await import('./triggers.js');
  return texts.map((text) => readTrigger(text, from));
}

/** Those of an image are in its config. A stage has those written in it: what it got from its own base has fired by then. */
function triggersOf(base: FileSource, stage: Stage, search: StageSearch): readonly string[] {
  // What stands for a whole stage is taken as it is; so is a stage that something stands for.
  if (replacement(stage, search) !== undefined) return [];
  switch (base.kind) {
    case 'scratch':
    case 'context':
    case 'remote':
      return [];
    case 'image':
      return base.image.resolved.config.config.OnBuild ?? [];
    case 'build':
      return base.build.plan.image.config.OnBuild ?? [];
    case 'stage':
      return instructionsOf(search.index.at(base.index), search).flatMap((one) =>
        one.keyword === 'ONBUILD' ? [one.trigger] : [],
      );
  }
}

/** Of COPY, ADD and the mounts of RUN; `undefined` stands for the build context, and for mounts that have no source. */
function sourcesOf(instruction: Instruction, stage: Stage, search: StageSearch): readonly (NamedSource | undefined)[] {
  const options = { stage, index: search.index, contexts: search.contexts, platform: search.targetPlatform };
  switch (instruction.keyword) {
    case 'COPY':
    case 'ADD':
      return [copySource(instruction, options)];
    case 'RUN':
      return instruction.mounts.map((mount) => mountSource(mount, options));
    default:
      return [];
  }
}

/** A stage that a named context stands for does nothing of its own. */
function instructionsOf(stage: Stage, search: StageSearch): readonly Instruction[] {
  return replacement(stage, search) === undefined ? stage.instructions : [];
}

function replacement(stage: Stage, search: StageSearch): NamedSource | undefined {
  return stage.name === undefined ? undefined : search.contexts.find(stage.name, stagePlatform(stage, search));
}

/** @throws `DOCKERFILE_SEMANTICS` */
function stageBase(stage: Stage, search: StageSearch): NamedSource {
  const { index, dockerfile, globals } = search;
  const replaced = replacement(stage, search);
  if (replaced !== undefined) return replaced;
  const env = (name: string): string | undefined => globals.get(name);
  const name = expandTemplate(stage.base, {
    env,
    escape: dockerfile.escape,
    source: stage.source,
    within: stage.text,
  });
  if (name === '') {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot start a stage from "${stage.base}": it is empty`, {
      hint: emptyBaseHint(stage, search),
      source: stage.source,
      details: { word: stage.base },
    });
  }
  const base = index.baseOf(name, stage.index);
  if (base !== undefined) return { kind: 'stage', index: base };
  return namedImage(name, { contexts: search.contexts, platform: stagePlatform(stage, search) });
}

function emptyBaseHint({ base }: Stage, { dockerfile, globals }: StageSearch): string {
  const declared = dockerfile.globalArgs.flatMap(({ entries }) => entries.map(({ name }) => name));
  const known = new Set([...globals.keys(), ...declared]);
  const names = [...base.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name).filter((name) => !known.has(name));
  const near = names.map((name) => suggest(name, known)).find((name) => name !== undefined);
  const advice =
    'FROM sees only ARGs above the first FROM: declare the variable there with a default, or give it with --build-arg.';
  return near === undefined ? advice : `Did you mean $${near}? ${advice}`;
}

/** @throws `DOCKERFILE_SEMANTICS` */
function stagePlatform(stage: Stage, { dockerfile, globals, targetPlatform }: StageSearch): Platform {
  if (stage.platform === undefined) return targetPlatform;
  const env = (name: string): string | undefined => globals.get(name);
  const text = expandTemplate(stage.platform, { env, escape: dockerfile.escape, source: stage.source });
  try {
    return parsePlatform(text);
  } catch (cause) {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot read platform "${stage.platform}": it gives "${text}"`, {
      hint: 'Give os/architecture, such as linux/amd64, or $BUILDPLATFORM or $TARGETPLATFORM.',
      source: stage.source,
      details: { word: stage.platform },
      cause,
    });
  }
}
