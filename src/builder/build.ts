import { formatPlatform } from '../oci/platform.js';
import { familiarName, parseReference, withDefaultTag } from '../oci/reference.js';
import { TsbuildError } from '../support/errors.js';
import type { BuildRequest, BuildResult } from './build-request.js';
import type { BuilderParts, BuildOptions } from './builder-parts.js';
import { CheckReport } from './check/check-report.js';
import type { BuildExplanation } from './explain/build-explanation.js';
import { withFilesOfResult } from './files-of-result.js';
import { finishBuild, type SolvedBuild, type TaggedReference } from './finish-build.js';
import { BaseImages, type BaseImagesParts } from './image/base-images.js';
import { checkPlacedAnnotations } from './image/placed-annotations.js';
import { platformRequests } from './joint/platform-requests.js';
import type { LockRequest } from './lock/pins.js';
import { SourceLock } from './lock/source-lock.js';
import { loadDockerfile } from './load-dockerfile.js';
import { rootsOf } from './kept-stages.js';
import { platformOf } from './joint/platform-of.js';
import type { BaseResolver, BuildPlan, LinkResolver } from './plan.js';
import { noBuild } from './plan/base-lookup.js';
import { planBuild, type PlannedStage } from './plan/plan-build.js';
import { squashed } from './squash.js';
import type { Remark } from './plan/remarks.js';
import type { ProgressSink } from './progress.js';
import { settleInOrder } from './plan/settle-in-order.js';
import { solvePlans, type PlannedBuild, type PlanSolution, type SolvingParts } from './solve-plans.js';

/**
 * Builds images from Dockerfiles: parse, plan, solve, write the image and its names. What every step needs is looked up first and
 * done only when it is not remembered; the registry is asked, the sandbox made, only when they are needed. All of it is one graph:
 * what builds have in common is done once, and the first failure stops all of them.
 * @returns a result for each request, in their order
 */
export async function buildAll(
  asked: readonly BuildRequest[],
  parts: BuilderParts,
  given: BuildOptions,
): Promise<readonly BuildResult[]> {
  // What is remembered would tell nothing.
  const requests = asked.map((one) => (one.checkReproducible === true ? { ...one, noCache: true } : one));
  const wanted = wantedNames(requests);
  const variants = platformRequests(requests);
  const options = variants.length === 1 ? given : { ...given, progress: sayingOnce(given.progress) };
  const bases = openBases(parts, { ...options, showsPlatforms: variants.length > requests.length });
  const builds = await planAll(
    variants.map(({ request }) => request),
    bases,
    { parts, options },
  );
  for (const remark of distinctRemarks(builds)) options.progress(remark);
  const solutions = await solvePlans(builds, { parts, options });
  await reproduceAll(builds, solutions, { parts, options });
  const results: BuildResult[] = [];
  for (const [number, { names, list }] of wanted.entries()) {
    const solved = builds.flatMap((build, index): readonly SolvedBuild[] => {
      const solution = solutions[index];
      return variants[index]?.of === number && solution !== undefined ? [{ ...build, solution }] : [];
    });
    results.push(await finishBuild(solved, names, { ...parts, signal: given.signal, list }));
  }
  for (const { lock, request } of distinctLocks(builds)) lock.remark(options.progress, request);
  return results;
}

/** Those that are to be done twice. */
async function reproduceAll(
  builds: readonly PreparedBuild[],
  solutions: readonly PlanSolution[],
  solving: SolvingParts,
): Promise<void> {
  if (!builds.some(({ request }) => request.checkReproducible === true)) return;
  const { reproduceBuild } = await import('./reproduce/reproduce-build.js');
  for (const [index, build] of builds.entries()) {
    const solution = solutions[index];
    if (build.request.checkReproducible === true && solution !== undefined) {
      await reproduceBuild(build, solution, solving);
    }
  }
}

function distinctLocks(
  builds: readonly PreparedBuild[],
): readonly { readonly lock: SourceLock; readonly request: BuildRequest }[] {
  const found = builds.flatMap(({ lock, request }) => (lock === undefined ? [] : [[lock, { lock, request }] as const]));
  return [...new Map(found).values()];
}

interface WantedNames {
  readonly names: readonly TaggedReference[];
  readonly list: TaggedReference | undefined;
}

/** What images, and lists with them, are to be called. @throws for what can be no name, and annotations that have no place */
function wantedNames(requests: readonly BuildRequest[]): readonly WantedNames[] {
  const named = requests.map(({ tags }) => tags.map(parseTag));
  const lists = requests.map(({ manifestList }) => (manifestList === undefined ? undefined : parseTag(manifestList)));
  requests.forEach(checkPlacedAnnotations);
  return named.map((names, number) => ({ names, list: lists[number] }));
}

/** Each may start from the ones before it. */
async function planAll(
  requests: readonly BuildRequest[],
  bases: (request: BuildRequest) => OpenedBases,
  { parts, options }: SolvingParts,
): Promise<readonly PreparedBuild[]> {
  const plannings: Planning[] = [];
  for (const request of requests) {
    const resolveLink = linkResolver([...plannings]);
    plannings.push({ request, made: makePlan(request, bases(request), { parts, options, resolveLink }) });
  }
  return await settleInOrder(plannings.map(async ({ request, made }) => prepare(request, await made)));
}

interface Planning {
  readonly request: BuildRequest;
  readonly made: Promise<MadePlan>;
}

/** Of builds of one name, the one for the platform, else the first. */
function linkResolver(before: readonly Planning[]): LinkResolver {
  return async (called, platform) => {
    const all = before.map((one, number) => ({ ...one, number })).filter(({ request }) => request.called === called);
    const found = all.find(({ request }) => platformOf(request) === formatPlatform(platform)) ?? all[0];
    if (found === undefined) throw noBuild(called);
    return { called, number: found.number, plan: (await found.made).plan };
  };
}

/** Of the same thing, once. */
function distinctRemarks(builds: readonly PreparedBuild[]): readonly Remark[] {
  const remarks = builds.flatMap(({ plan }) => plan.remarks);
  return [...new Map(remarks.map((remark) => [JSON.stringify(remark), remark])).values()];
}

/** Of builds of one Dockerfile, what is said of it is said once. */
function sayingOnce(progress: ProgressSink): ProgressSink {
  const said = new Set<string>();
  return (event) => {
    if (event.type === 'warning') {
      const text = JSON.stringify(event);
      if (said.has(text)) return;
      said.add(text);
    }
    progress(event);
  };
}

interface PreparedBuild extends PlannedBuild {
  readonly plan: BuildPlan;
  readonly stages: readonly PlannedStage[];
}

function prepare(request: BuildRequest, { plan: made, bases, lock, stages }: MadePlan): PreparedBuild {
  const { wanted = ['image'], platform, platforms } = request;
  const shown = platforms === undefined ? undefined : platform;
  const plan = request.squash === true ? squashed(made) : made;
  return {
    request,
    plan,
    stages,
    bases,
    lock,
    root: plan.graph.target,
    graph: wanted.includes('files') ? withFilesOfResult(plan.graph, shown) : plan.graph,
    whole: [
      ...(wanted.includes('image') || request.manifestList !== undefined ? [plan.graph.target] : []),
      ...rootsOf(stages),
    ],
  };
}

/** What a build would do, without doing it: for pictures. Base images are looked up. */
export async function planOnly(request: BuildRequest, parts: BuilderParts, options: BuildOptions): Promise<BuildPlan> {
  const progress: ProgressSink = (event) => {
    if (event.type !== 'warning') options.progress(event);
  };
  const quiet = { ...options, progress };
  return (await makePlan(request, openBases(parts, quiet)(request), { parts, options: quiet })).plan;
}

/** Which steps builds would do in one graph, and why, without doing any. What `buildAll` refuses is refused. */
export async function explainAll(
  requests: readonly BuildRequest[],
  parts: BuilderParts,
  options: BuildOptions,
): Promise<BuildExplanation> {
  wantedNames(requests);
  const variants = platformRequests(requests);
  const given = { ...options, progress: sayingOnce(options.progress) };
  const bases = openBases(parts, { ...given, showsPlatforms: variants.length > requests.length });
  const detailed = variants.map(({ request }) => ({ ...request, details: true }));
  const builds = await planAll(detailed, bases, { parts, options: given });
  const { explainPlans } = await import('./explain-plans.js');
  return await explainPlans(builds, { parts, options: given });
}

/** Looks base images up without building anything. */
export function baseResolver(request: BuildRequest, parts: BuilderParts, options: BuildOptions): BaseResolver {
  const { bases } = openBases(parts, options)(request);
  return (name, platform, source) => bases.resolve(name, platform, source);
}

/** One for all requests that ask registries alike, and keep to the same lock. */
function openBases(
  { store, now, registry }: BuilderParts,
  options: BuildOptions & Partial<Pick<BaseImagesParts, 'showsPlatforms'>>,
): (request: BuildRequest) => OpenedBases {
  const opened: (OpenedBases & {
    readonly pull: BuildRequest['pull'];
    readonly wanted: LockRequest | undefined;
    readonly policies: BuildRequest['sourcePolicies'];
  })[] = [];
  return ({ pull, lock: wanted, sourcePolicies: policies }) => {
    const known = opened.find((one) => one.pull === pull && one.wanted === wanted && one.policies === policies);
    if (known !== undefined) return known;
    const lock = wanted === undefined ? undefined : new SourceLock(wanted);
    const bases = new BaseImages({ ...options, store, now, registry, pull, lock, policies });
    const made = { pull, wanted, policies, lock, bases };
    opened.push(made);
    return made;
  };
}

interface PlanningParts {
  readonly parts: BuilderParts;
  readonly options: BuildOptions;
  readonly resolveLink?: LinkResolver;
}

interface OpenedBases {
  readonly bases: BaseImages;
  readonly lock: SourceLock | undefined;
}

interface MadePlan extends OpenedBases {
  readonly plan: BuildPlan;
  /** Those that are to be kept. */
  readonly stages: readonly PlannedStage[];
}

async function makePlan(
  request: BuildRequest,
  { bases, lock }: OpenedBases,
  { parts, options, resolveLink }: PlanningParts,
): Promise<MadePlan> {
  const dockerfile = await loadDockerfile(request.dockerfile, parts.store.records);
  const report = new CheckReport({
    dockerfile,
    buildArgs: request.buildArgs,
    quiet: true,
    onWarning: ({ rule, message, source }) => {
      options.progress({ type: 'warning', rule, message, source });
    },
  });
  dockerfile.warnings.forEach(report.add);
  const stages: PlannedStage[] = [];
  const plan = await planBuild({
    dockerfile,
    request,
    resolveBase: (name, platform, source) => bases.resolve(name, platform, source),
    resolveLink,
    onWarning: report.add,
    onStage: (stage) => request.saveStages === true && stages.push(stage),
  });
  const failure = report.failure();
  if (failure !== undefined) throw failure;
  return { plan, bases, lock, stages };
}

function parseTag(text: string): TaggedReference {
  const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(text));
  if (digest === undefined) return { registry, repository, tag };
  throw new TsbuildError('REFERENCE_INVALID', `cannot name the image "${text}": a digest is not for us to choose`, {
    hint: `Give a name and a tag, as ${familiarName({ registry, repository, tag })}.`,
  });
}
