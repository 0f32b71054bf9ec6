import { isFinished, type Step } from './model.js';

/** A stage of one build and one platform: its steps come one after the other, and other lanes go on beside it. */
export interface Lane {
  /** `builder`, `linux/arm64 builder`, `web builder`: what labels of its steps begin with. */
  readonly name: string;
  readonly finished: number;
  readonly total: number;
}

// As builder/plan/step-label.ts makes it: `[web linux/arm64 builder 2/5] RUN make`.
const PLACE = /^\[(?:([^\]]*) )?\s*\d+\/(\d+)\] /;

/** The lane's name; `undefined` for a step of none, and where there is only one. */
export function laneOf({ label }: Pick<Step, 'label'>): string | undefined {
  return PLACE.exec(label)?.[1];
}

/** In the order of their first steps. */
export function lanesOf(steps: readonly Step[]): readonly Lane[] {
  const lanes = new Map<string, Lane>();
  for (const step of steps) {
    const [, name, total] = PLACE.exec(step.label) ?? [];
    if (name === undefined) continue;
    const finished = (lanes.get(name)?.finished ?? 0) + (isFinished(step) ? 1 : 0);
    lanes.set(name, { name, finished, total: Number(total) });
  }
  return [...lanes.values()];
}
