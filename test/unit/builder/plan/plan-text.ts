import { readFileSync } from 'node:fs';
import type { BuildRequest } from '../../../../src/builder/build-request.js';
import type { Vertex } from '../../../../src/builder/graph.js';
import type { CopyOperation, Operation, RunOperation } from '../../../../src/builder/operation.js';
import type { BaseResolver, BuildPlan } from '../../../../src/builder/plan.js';
import { planBuild } from '../../../../src/builder/plan/plan-build.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { ImageConfig } from '../../../../src/oci/image.js';
import type { Platform } from '../../../../src/oci/platform.js';
import type { ParseWarning } from '../../../../src/parser/instruction.js';
import { parseDockerfile } from '../../../../src/parser/parse-dockerfile.js';
import { isTsbuildError, TsbuildError } from '../../../../src/support/errors.js';

export interface ObservedCase {
  readonly name: string;
  readonly dockerfile: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly config: unknown;
  readonly author?: string;
  readonly history: readonly string[];
}

interface Observed {
  readonly bases: Readonly<Record<string, ImageConfig>>;
  readonly cases: readonly ObservedCase[];
}

/** What BuildKit made of some Dockerfiles, and the base images it was given. */
export const observed = JSON.parse(readFileSync(new URL('observed.json', import.meta.url), 'utf8')) as Observed;

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };

export interface PlanTextOptions extends Partial<BuildRequest> {
  readonly bases?: Readonly<Record<string, ImageConfig>>;
  readonly warnings?: ParseWarning[];
  /** Takes the names of the images looked up, with their platforms. */
  readonly lookups?: string[];
}

/** Plans as if on an amd64 machine where the observed base images are at hand, and those in `bases`. */
export function planText(dockerfile: string, options: PlanTextOptions = {}): Promise<BuildPlan> {
  const { bases = {}, warnings = [], lookups = [], ...request } = options;
  return planBuild({
    dockerfile: parseDockerfile(dockerfile, { file: 'Dockerfile' }),
    request: { buildArgs: {}, labels: {}, network: 'host', entitlements: [], hosts: [], limits: [], ...request },
    resolveBase: resolverOf({ ...observed.bases, ...bases }, lookups),
    onWarning: (warning) => warnings.push(warning),
    buildPlatform: AMD64,
  });
}

function resolverOf(bases: Readonly<Record<string, ImageConfig>>, lookups: string[]): BaseResolver {
  return async (name, platform) => {
    const reference = typeof name === 'string' ? name : `oci-layout://${name.directory}:${name.tag}`;
    lookups.push(`${reference} ${platform.os}/${platform.architecture}`);
    const config = bases[reference];
    await Promise.resolve();
    if (config !== undefined) return { reference, manifest: digestOf(reference), config };
    throw new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${reference}": no such image`);
  };
}

/** The error of a plan, as `CODE message`, with its first line. */
export async function planError(dockerfile: string, options: PlanTextOptions = {}): Promise<TsbuildError> {
  try {
    await planText(dockerfile, options);
  } catch (error) {
    if (isTsbuildError(error)) return error;
    throw error;
  }
  throw new Error('the plan was made');
}

export function vertices({ graph }: BuildPlan): readonly Vertex<Operation>[] {
  return [...graph.vertices.values()];
}

export function operations<K extends Operation['kind']>(
  plan: BuildPlan,
  kind: K,
): readonly Extract<Operation, { readonly kind: K }>[] {
  return vertices(plan).flatMap(({ operation }) =>
    operation.kind === kind ? [operation as Extract<Operation, { readonly kind: K }>] : [],
  );
}

export const runs = (plan: BuildPlan): readonly RunOperation[] => operations(plan, 'run');
/** The copies of a plan, with the patterns alone for sources. */
export const copies = (plan: BuildPlan): readonly (Omit<CopyOperation, 'sources'> & { sources: string[] })[] =>
  operations(plan, 'copy').map((copy) => ({
    ...copy,
    sources: copy.sources.flatMap((source) => (source.kind === 'path' ? [source.pattern] : [])),
  }));

/** What RUN steps see of variables, each as `NAME=value`, without PATH. */
export function runVariables(plan: BuildPlan): readonly (readonly string[])[] {
  return runs(plan).map(({ env }) => env.filter((entry) => !entry.startsWith('PATH=')));
}

export function labels(plan: BuildPlan): readonly string[] {
  return vertices(plan).map(({ label }) => label);
}

export function historyLines({ image }: BuildPlan): readonly string[] {
  return [...image.baseHistory, ...image.history].map(
    ({ created_by = '', empty_layer = false }) => `${empty_layer ? 'empty' : 'layer'}: ${created_by}`,
  );
}
