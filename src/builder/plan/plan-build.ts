import { hostPlatform, parsePlatform, type Platform } from '../../oci/platform.js';
import type { Dockerfile, Instruction, ParseWarning } from '../../parser/instruction.js';
import { invariant } from '../../support/invariant.js';
import type { BuildRequest } from '../build-request.js';
import type { BaseResolver, BuildPlan, LinkResolver } from '../plan.js';
import { BaseLookup, type StandIn } from './base-lookup.js';
import { checkBases } from './checks/base-checks.js';
import { checkStageStarts } from './checks/from-checks.js';
import { lazyIgnoredPaths } from './checks/ignored-paths.js';
import { finishConfig } from './config-draft.js';
import { buildArguments, defaultArguments, globalArguments } from './global-arguments.js';
import { NamedContexts } from './named-contexts.js';
import type { StepSettings } from './instruction-context.js';
import { findNeededStages, type NeededStage } from './needed-stages.js';
import type { StageDraft } from './stage-draft.js';
import { remarksOf } from './remarks.js';
import { StageIndex, stagesNamed, targetStage } from './stage-index.js';
import { type PlannerOptions, StagePlanner } from './stage-planner.js';

export interface PlanOptions {
  readonly dockerfile: Dockerfile;
  readonly request: Pick<
    BuildRequest,
    | 'buildArgs'
    | 'called'
    | 'contextFile'
    | 'target'
    | 'labels'
    | 'namedContexts'
    | 'noCacheFilter'
    | 'platform'
    | 'platforms'
    | 'sourceDateEpoch'
    | keyof StepSettings
  > &
    Partial<Pick<BuildRequest, 'ignore' | 'sourcePolicies'>>;
  readonly resolveBase: BaseResolver;
  /** For named contexts that are results of other builds; absent: there are none. */
  readonly resolveLink?: LinkResolver | undefined;
  /** For checks, which go on without an image. */
  readonly standIn?: StandIn | undefined;
  /** Whether stages are planned that the target does not need: for checks. */
  readonly allStages?: boolean | undefined;
  /**
   * Told of what is legal and likely a mistake, in the stages that are planned, also of what the file asks to skip. Warnings of
   * the parser are not repeated.
   */
  readonly onWarning?: ((warning: ParseWarning) => void) | undefined;
  /** Told of every stage that is planned. */
  readonly onStage?: ((planned: PlannedStage) => void) | undefined;
  /** The machine that builds, as `$BUILDPLATFORM` has it; this one where it is not given. */
  readonly buildPlatform?: Platform | undefined;
}

export interface PlannedStage {
  readonly needed: NeededStage;
  readonly draft: StageDraft;
  readonly isTarget: boolean;
}

/**
 * Works out what a build does, and what the image's config will say, before anything is done. Only the stages that the target
 * needs are looked at, and only their base images are looked up.
 * @throws `DOCKERFILE_SEMANTICS`, `DOCKERFILE_UNSUPPORTED`, `DOCKERFILE_SYNTAX`, `REFERENCE_INVALID`, `USAGE` for a malformed
 * platform, and what the resolver throws
 */
export async function planBuild(options: PlanOptions): Promise<BuildPlan> {
  const { dockerfile, request, resolveBase } = options;
  const index = new StageIndex(dockerfile);
  const target = targetStage(index, request.target);
  const build = options.buildPlatform ?? hostPlatform();
  const targetPlatform = request.platform === undefined ? build : parsePlatform(request.platform);
  const given = buildArguments(request);
  const platforms = { build, target: targetPlatform };
  const argumentOptions = { dockerfile, given, target: request.target, platforms };
  const globals = globalArguments(argumentOptions);
  const warn = options.onWarning ?? (() => undefined);
  checkStageStarts({ dockerfile, globals, defaults: defaultArguments(argumentOptions), warn });
  const bases = new BaseLookup(resolveBase, index.names, options);
  const contexts = new NamedContexts(request.namedContexts ?? []);
  const targets = options.allStages === true ? index.stages.map((stage) => stage.index) : [target];
  const needed = await findNeededStages({ dockerfile, index, targets, targetPlatform, globals, bases, contexts });
  checkBases(needed, { globals, escape: dockerfile.escape, warn });
  const planner = new StagePlanner({
    globals,
    given,
    targetPlatform,
    contextHasOwners: request.contextFile?.kind === 'archive',
    steps: request,
    freshStages: stagesNamed(index, request.noCacheFilter ?? []),
    called: request.called,
    allow: await allowing(request),
    manyStages: index.stages.length > 1,
    manyPlatforms: request.platforms !== undefined,
    ignored: lazyIgnoredPaths(request.ignore ?? null),
    warn,
  });
  const draft = planStages(planner, needed, { target, onStage: options.onStage });
  for (const [name, value] of Object.entries(request.labels)) draft.config.labels.set(name, value);
  return finishPlan({
    draft,
    remarks: remarksOf({ dockerfile, buildArgs: request.buildArgs, triggers: triggersOf(needed) }),
    graph: planner.graph.finish(draft.rootfs),
    platform: request.platform === undefined ? draft.platform : targetPlatform,
  });
}

function planStages(
  planner: StagePlanner,
  needed: readonly NeededStage[],
  { target, onStage }: Pick<PlanOptions, 'onStage'> & { readonly target: number },
): StageDraft {
  let draft: StageDraft | undefined;
  for (const one of needed) {
    const planned = planner.plan(one);
    const isTarget = one.stage.index === target;
    if (isTarget) draft = planned;
    onStage?.({ needed: one, draft: planned, isTarget });
  }
  invariant(draft !== undefined, 'the target is not among the stages that it needs');
  return draft;
}

function triggersOf(needed: readonly NeededStage[]): readonly Instruction[] {
  return needed.flatMap(({ commands }) => commands.flatMap((one) => (one.isTrigger ? [one.instruction] : [])));
}

function finishPlan(result: {
  readonly draft: StageDraft;
  readonly graph: BuildPlan['graph'];
  readonly platform: Platform;
  readonly remarks: BuildPlan['remarks'];
}): BuildPlan {
  const { draft, graph, platform, remarks } = result;
  return { remarks, graph, image: imageOf(draft, platform) };
}

/** What the config of a stage's image says. */
export function imageOf(draft: StageDraft, platform: Platform): BuildPlan['image'] {
  const { base, planned } = draft.history();
  return {
    platform,
    ...(draft.author === undefined || draft.author === '' ? {} : { author: draft.author }),
    config: finishConfig(draft.config),
    baseHistory: base,
    history: planned,
  };
}

/** What ADD and build contexts take from elsewhere, as the request's policies have it. */
async function allowing({
  sourcePolicies = [],
}: Pick<BuildRequest, 'sourcePolicies'>): Promise<PlannerOptions['allow']> {
  if (sourcePolicies.length === 0) return (operation) => operation;
  const { remoteByPolicy } = await import('../policy/source-policy.js');
  return (operation) => remoteByPolicy(sourcePolicies, operation);
}
