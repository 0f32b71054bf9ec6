import { findRule, isDockerRule } from '../../parser/checks/rules.js';
import type { ParseWarning } from '../../parser/instruction.js';
import { readDockerfile } from '../../parser/parse-dockerfile.js';
import { invariant } from '../../support/invariant.js';
import { isTsbuildError, TsbuildError, type ErrorCode } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { buildRequest, type BuildRequest } from '../build-request.js';
import type { StandIn } from '../plan/base-lookup.js';
import { planBuild } from '../plan/plan-build.js';
import type { BaseResolver } from '../plan.js';
import { CheckReport } from './check-report.js';
import { unknownBase } from './unknown-base.js';

/** A rule that a Dockerfile goes against. */
export interface CheckWarning {
  /** BuildKit's name of it, or one of ours, which begin with `tsbuild/`. */
  readonly rule: string;
  /** What the rule asks for. */
  readonly description: string;
  /** What is wrong here. */
  readonly message: string;
  /** Where more is to be read. */
  readonly url?: string;
  readonly source: SourceRange;
}

export interface CheckResult {
  /** In the order of the file. */
  readonly warnings: readonly CheckWarning[];
  /** Why the Dockerfile cannot be built; the warnings are those found until then. */
  readonly error?: TsbuildError;
  /** Base images that could not be looked up: rules that depend on what they say of themselves have been left out. */
  readonly unknownBases: readonly TsbuildError[];
  /** Whether BuildKit would fail the check, too: it does for each of its own rules and for an error, not for rules of ours. */
  readonly failed: boolean;
}

/** The members of a `BuildRequest` that a check looks at. */
export type CheckRequest = Pick<BuildRequest, 'dockerfile'> & Partial<BuildRequest>;

export interface CheckActivity {
  /** Looks base images up. Without it none is, and rules that depend on what an image says of itself are left out. */
  readonly resolveBase?: BaseResolver | undefined;
}

/**
 * What BuildKit's linter and our own rules say of a Dockerfile, without building it. Without a target, all its stages are looked
 * at. Mistakes in the Dockerfile are in the result.
 * @throws `USAGE` for a request that makes no sense, and what `resolveBase` throws that is no `TsbuildError`
 */
export async function checkDockerfile(given: CheckRequest, activity: CheckActivity = {}): Promise<CheckResult> {
  const request = buildRequest(given);
  const { name: file, text } = request.dockerfile;
  const { dockerfile, check, warnings, error } = readDockerfile(text, { file });
  const report = new CheckReport({ dockerfile: { file, check }, buildArgs: request.buildArgs, quiet: false });
  warnings.forEach(report.add);
  const unknownBases: TsbuildError[] = [];
  if (dockerfile === undefined) return toResult(report, { error, unknownBases });
  const { resolveBase = (): Promise<never> => Promise.reject(notLookedUp()) } = activity;
  const standIn: StandIn = (failure, platform) => {
    if (PASSED_ON.has(failure.code)) return undefined;
    unknownBases.push(failure);
    return unknownBase(platform);
  };
  const allStages = request.target === undefined || request.target === '';
  try {
    await planBuild({ dockerfile, request, resolveBase, standIn, allStages, onWarning: report.add });
  } catch (failure) {
    if (!isTsbuildError(failure) || PASSED_ON.has(failure.code)) throw failure;
    return toResult(report, { error: failure, unknownBases });
  }
  return toResult(report, { error: undefined, unknownBases });
}

function notLookedUp(): TsbuildError {
  return new TsbuildError('REGISTRY_UNREACHABLE', 'cannot look up the image: nothing was given to look it up with', {
    hint: 'Give checkDockerfile a resolveBase, or use the check of a toolchain.',
  });
}

/** No mistake of the Dockerfile's. */
const PASSED_ON: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['USAGE', 'ABORTED', 'INTERNAL']);

/** The registry has answered: there is no such image. Anything else may be otherwise in the build. */
const MISSING: ReadonlySet<ErrorCode> = new Set(['IMAGE_NOT_FOUND', 'PLATFORM_NOT_FOUND', 'REFERENCE_INVALID']);

function toResult(
  report: CheckReport,
  { error, unknownBases }: { readonly error: TsbuildError | undefined; readonly unknownBases: readonly TsbuildError[] },
): CheckResult {
  const found = error ?? unknownBases.find(({ code }) => MISSING.has(code)) ?? report.failure();
  const warnings = report.warnings.map(toWarning);
  return {
    warnings,
    ...(found !== undefined && { error: found }),
    unknownBases: unknownBases.filter((each) => each !== found),
    failed: found !== undefined || warnings.some(({ rule }) => isDockerRule(rule)),
  };
}

function toWarning({ rule, message, source }: ParseWarning): CheckWarning {
  const known = findRule(rule);
  invariant(known !== undefined, `rule ${rule} is in the table`);
  const { description, url } = known;
  return { rule, description, message, ...(url !== undefined && { url }), source };
}
