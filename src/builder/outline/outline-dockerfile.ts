import { hostPlatform, parsePlatform } from '../../oci/platform.js';
import type { Dockerfile, Template } from '../../parser/instruction.js';
import { parseDockerfile } from '../../parser/parse-dockerfile.js';
import { invariant } from '../../support/invariant.js';
import { buildRequest } from '../build-request.js';
import type { CheckRequest } from '../check/check-dockerfile.js';
import type { FileSource } from '../plan/file-source.js';
import { buildArguments, globalArguments, type GlobalArguments } from '../plan/global-arguments.js';
import type { NeededStage } from '../plan/needed-stages.js';
import { planBuild, type PlannedStage, type PlanOptions } from '../plan/plan-build.js';
import { globalDefinitions, namesIn, type ArgumentDefinition } from './global-definitions.js';
import type { Outline, OutlinedArgument, OutlinedSecret } from './outline.js';

type OutlineOptions = Pick<PlanOptions, 'dockerfile' | 'request'>;

/**
 * The arguments, secrets and agents that a build of the target can be given: those that its stages declare or use, and those of
 * FROM lines. Base images are looked up, as they may bring triggers; nothing is built.
 * @throws `DOCKERFILE_SYNTAX`, and what planning the build throws
 */
export async function outlineDockerfile(
  given: CheckRequest,
  { resolveBase }: Pick<PlanOptions, 'resolveBase'>,
): Promise<Outline> {
  const request = buildRequest(given);
  const { name: file, text } = request.dockerfile;
  const options = { dockerfile: parseDockerfile(text, { file }), request };
  const planned = new Map<number, PlannedStage>();
  let target: PlannedStage | undefined;
  await planBuild({
    ...options,
    resolveBase,
    onStage(stage) {
      planned.set(stage.needed.stage.index, stage);
      if (stage.isTarget) target = stage;
    },
  });
  invariant(target !== undefined, 'the target has been planned');
  const stages = inOrder(target, planned);
  const { name, description } = target.needed.stage;
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    args: argumentsOf(stages, options),
    secrets: askedFor(stages, 'secret'),
    ssh: askedFor(stages, 'ssh'),
  };
}

/** A stage, then those that it starts from, then those that it takes files from: of two things of one name the first counts. */
function inOrder(target: PlannedStage, planned: ReadonlyMap<number, PlannedStage>): readonly PlannedStage[] {
  const ordered = new Set<PlannedStage>();
  const open = [target];
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    if (ordered.has(stage)) continue;
    ordered.add(stage);
    const { base, commands } = stage.needed;
    const sources = [base, ...commands.flatMap(({ from, mountSources }) => [from, ...mountSources])];
    open.push(...sources.flatMap((source) => stageOf(source, planned)).reverse());
  }
  return [...ordered];
}

function stageOf(source: FileSource | undefined, planned: ReadonlyMap<number, PlannedStage>): readonly PlannedStage[] {
  const stage = source?.kind === 'stage' ? planned.get(source.index) : undefined;
  return stage === undefined ? [] : [stage];
}

function argumentsOf(stages: readonly PlannedStage[], options: OutlineOptions): readonly OutlinedArgument[] {
  const { dockerfile } = options;
  const given = buildArguments(options.request);
  const globals = globalsOf(options, given);
  const definitions = globalDefinitions(dockerfile, { globals, given });
  const found = new Map<string, OutlinedArgument>();
  for (const { needed, draft } of stages) {
    const own = new Map(draft.declarations.map((one) => [one.name, one]));
    const names = new Set([...fromNames(needed, dockerfile, globals), ...own.keys()]);
    for (const name of withDependencies(names, { own, definitions })) {
      const argument = own.get(name)?.argument ?? definitions.get(name)?.argument;
      if (argument !== undefined && !found.has(name)) found.set(name, argument);
    }
  }
  return byLine([...found.values()]);
}

function globalsOf({ dockerfile, request }: OutlineOptions, given: ReadonlyMap<string, string>): GlobalArguments {
  const build = hostPlatform();
  const target = request.platform === undefined ? build : parsePlatform(request.platform);
  return globalArguments({ dockerfile, given, target: request.target, platforms: { build, target } });
}

/** The arguments that a FROM line asks for. */
function fromNames({ stage }: NeededStage, { escape }: Dockerfile, globals: GlobalArguments): readonly string[] {
  const { base, platform, source } = stage;
  const expansion = { known: new Set(globals.keys()), globals, escape, source };
  const templates: readonly Template[] = platform === undefined ? [base] : [base, platform];
  return templates.flatMap((template) => [...namesIn(template, expansion)]);
}

/** Those of a stage's own arguments are its own business: they stand in the file beside it. */
function withDependencies(
  names: ReadonlySet<string>,
  of: {
    readonly own: ReadonlyMap<string, { readonly argument?: OutlinedArgument }>;
    readonly definitions: ReadonlyMap<string, ArgumentDefinition>;
  },
): ReadonlySet<string> {
  const all = new Set(names);
  for (const name of all) {
    if (of.own.get(name)?.argument !== undefined) continue;
    for (const dependency of of.definitions.get(name)?.dependencies ?? []) all.add(dependency);
  }
  return all;
}

function askedFor(stages: readonly PlannedStage[], type: 'secret' | 'ssh'): readonly OutlinedSecret[] {
  const found = new Map<string, OutlinedSecret>();
  for (const { draft } of stages) {
    for (const { operation, source } of draft.steps) {
      for (const mount of operation.kind === 'run' ? operation.mounts : []) {
        if (mount.type !== type || found.has(mount.id)) continue;
        found.set(mount.id, { name: mount.id, required: mount.required, source });
      }
    }
  }
  return byLine([...found.values()]);
}

function byLine<T extends OutlinedArgument | OutlinedSecret>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => a.source.start.line - b.source.start.line);
}
