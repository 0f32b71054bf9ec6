import type { JournalStep } from './build-journal.js';

/** What a step is recognized by. */
export type StepFeatures = Pick<JournalStep, 'stage' | 'text' | 'kind'>;

/** Below, two instructions are rather two steps than one that was edited. */
const ALIKE = 0.5;
/** Of more steps that are new, none is looked for among those that were edited. */
const MAX_COMPARED = 200;

/**
 * Which former step each step is, by its place in the list: one of the same text in its stage, else one that was edited, else one
 * of the same text in a stage of another name. No former step is taken twice.
 */
export function matchSteps(
  steps: readonly StepFeatures[],
  former: readonly JournalStep[],
): readonly (JournalStep | undefined)[] {
  // As in most builds.
  if (steps.length === former.length && steps.every((step, place) => isSame(step, former[place]))) return former;
  const matches = new Array<JournalStep | undefined>(steps.length).fill(undefined);
  const free = new Set(former);
  const take = (find: (step: StepFeatures, place: number) => JournalStep | undefined): void => {
    for (const [place, step] of steps.entries()) {
      if (matches[place] !== undefined) continue;
      const match = find(step, place);
      if (match === undefined) continue;
      matches[place] = match;
      free.delete(match);
    }
  };
  take((step) => first(free, (one) => isSame(step, one)));
  take((step, place) => edited(step, { place, steps, matches, former, free }));
  take(({ text, kind }) => first(free, (one) => one.kind === kind && one.text === text));
  return matches;
}

function isSame({ stage, text, kind }: StepFeatures, one: JournalStep | undefined): boolean {
  return one?.text === text && one.stage === stage && one.kind === kind;
}

function first(free: ReadonlySet<JournalStep>, fits: (step: JournalStep) => boolean): JournalStep | undefined {
  for (const step of free) if (fits(step)) return step;
  return undefined;
}

/** The one between the same neighbors, or the first that is much alike. */
function edited(
  step: StepFeatures,
  {
    place,
    steps,
    matches,
    former,
    free,
  }: {
    readonly place: number;
    readonly steps: readonly StepFeatures[];
    readonly matches: readonly (JournalStep | undefined)[];
    readonly former: readonly JournalStep[];
    readonly free: ReadonlySet<JournalStep>;
  },
): JournalStep | undefined {
  const fits = (one: JournalStep): boolean => free.has(one) && one.stage === step.stage && one.kind === step.kind;
  const alike =
    free.size > MAX_COMPARED ? undefined : first(free, (one) => fits(one) && likeness(one.text, step.text) >= ALIKE);
  if (alike !== undefined) return alike;
  const previous = steps[place - 1]?.stage === step.stage ? matches[place - 1] : undefined;
  const neighbor = previous === undefined ? undefined : former[former.indexOf(previous) + 1];
  return neighbor !== undefined && fits(neighbor) ? neighbor : undefined;
}

/** The part of the longer text that both begin and end with. */
function likeness(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  let begin = 0;
  while (begin < shorter && left[begin] === right[begin]) begin += 1;
  let end = 0;
  while (end < shorter - begin && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  return (begin + end) / Math.max(left.length, right.length, 1);
}
