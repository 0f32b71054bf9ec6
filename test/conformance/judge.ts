import type { Case } from './case.js';
import { compareImages, formatDifference } from './compare.js';
import type { Check, Outcome } from './outcome.js';

/**
 * `declared`: it differs, and the case says why; `pending`: it differs, and is on the list of what is being made; `stale`: one of
 * both, and it does not differ.
 */
export type Judgement = 'agrees' | 'declared' | 'pending' | 'differs' | 'stale';

export interface Verdict {
  readonly case: Case;
  readonly judgement: Judgement;
  /** What differs, for people. */
  readonly report: readonly string[];
}

/** What one of the two builders makes of a case; of the warnings, those that are compared. */
export interface Finding {
  readonly outcome: Outcome;
  readonly checks?: readonly Check[] | null | undefined;
}

export function judge(
  given: Case,
  {
    ours,
    theirs,
    isPending = false,
  }: { readonly ours: Finding; readonly theirs: Finding; readonly isPending?: boolean },
): Verdict {
  const { outcome } = ours;
  const report = [
    ...differences(outcome, theirs.outcome),
    ...(outcome.kind === 'failure' ? complaints(outcome.error) : []),
    ...compareChecks(ours.checks ?? theirs.checks ?? [], theirs.checks ?? ours.checks ?? []),
  ];
  const expected = given.differs !== undefined ? 'declared' : isPending ? 'pending' : undefined;
  if (report.length === 0) return { case: given, judgement: expected === undefined ? 'agrees' : 'stale', report };
  return { case: given, judgement: expected ?? 'differs', report };
}

function differences(ours: Outcome, theirs: Outcome): readonly string[] {
  if (ours.kind === 'image' && theirs.kind === 'image') {
    return compareImages(ours.image, theirs.image).map(formatDifference);
  }
  if (ours.kind === theirs.kind) return [];
  if (ours.kind === 'failure') return [`  BuildKit builds it, tsbuild says:\n${indented(ours.error)}`];
  return [`  tsbuild builds it, BuildKit says:\n${theirs.kind === 'failure' ? indented(theirs.error) : ''}`];
}

/** What an error of tsbuild owes its reader: a code, the place or the thing, and what to do. */
function complaints(error: string): readonly string[] {
  const missing = [
    ...(/^error\[[A-Z_]+\]: cannot /m.test(error) ? [] : ['a code and what cannot be done']),
    ...(/^hint: /m.test(error) ? [] : ['a hint']),
  ];
  return missing.map((what) => `  the error lacks ${what}:\n${indented(error)}`);
}

/** BuildKit's warnings that tsbuild does not give, and the other way round. */
export function compareChecks(ours: readonly Check[], theirs: readonly Check[]): readonly string[] {
  const [our, their] = [ours, theirs].map((checks) =>
    checks.map(({ rule, line, message }) => `line ${line}: ${rule}: ${message}`).sort(),
  ) as [string[], string[]];
  return [
    ...their.filter((line) => !our.includes(line)).map((line) => `  only BuildKit warns: ${line}`),
    ...our.filter((line) => !their.includes(line)).map((line) => `  only tsbuild warns: ${line}`),
  ];
}

const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, '    ');
