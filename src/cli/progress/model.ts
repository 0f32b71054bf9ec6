import type { ProgressEvent, StepId } from '../../builder/progress.js';
import type { KeyChange } from '../../builder/explain/key-change.js';
import type { ErrorRecord } from '../../support/errors.js';
import type { LineEvent } from './line-splitter.js';

export type Warning = Extract<ProgressEvent, { readonly type: 'warning' }>;

export type Difference = Extract<ProgressEvent, { readonly type: 'difference' }>;

export interface Transfer {
  readonly item: string;
  readonly direction: Extract<ProgressEvent, { readonly type: 'transfer' }>['direction'];
  /** Bytes. */
  readonly current: number;
  readonly total: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** Milliseconds until it is done; `undefined` when nobody can tell. */
  readonly remainingMs: number | undefined;
  readonly done: boolean;
  /** It was there already: nothing moved. */
  readonly existed: boolean;
}

export interface Step {
  readonly id: StepId;
  /** From 1, in the order in which steps became known: the `#4` of plain output. */
  readonly number: number;
  readonly label: string;
  /** Of the Dockerfile, by its name or `stage-` and its number; `undefined` of what belongs to none. */
  readonly stage: string | undefined;
  readonly status: 'planned' | 'running' | 'cached' | 'done' | 'failed';
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly waitingFor: Extract<ProgressEvent, { readonly type: 'step-waiting' }>['reason'] | undefined;
  /** The last lines of its output; none of a step that succeeded. */
  readonly tail: readonly string[];
  /** How many lines it has written in all. */
  readonly lineCount: number;
  /** In the order of their beginning. */
  readonly transfers: readonly Transfer[];
  readonly error: ErrorRecord | undefined;
  /** Why it was not found in the cache, where that was asked for. */
  readonly changes: readonly KeyChange[];
}

export interface ProgressState {
  /** In the order of their numbers. */
  readonly steps: readonly Step[];
  readonly warnings: readonly Warning[];
  readonly notices: readonly string[];
  /** What steps did otherwise the second time. */
  readonly differences: readonly Difference[];
}

/** So many lines of a failed step are shown again at the end. */
export const TAIL_LINES = 20;

/**
 * What is known of a build after the events so far. An event costs the same whether there are ten steps or ten thousand, and of
 * output only the last lines are kept, of steps that succeeded none.
 */
export class ProgressModel {
  readonly #numbers = new Map<StepId, number>();
  readonly #steps: Step[] = [];
  readonly #warnings: Warning[] = [];
  readonly #notices: string[] = [];
  readonly #differences: Difference[] = [];

  constructor(events: Iterable<LineEvent> = []) {
    for (const event of events) this.apply(event);
  }

  /** Goes on with the events. */
  get state(): ProgressState {
    const [steps, warnings, notices, differences] = [this.#steps, this.#warnings, this.#notices, this.#differences];
    return { steps, warnings, notices, differences };
  }

  step(id: StepId): Step | undefined {
    const number = this.#numbers.get(id);
    return number === undefined ? undefined : this.#steps[number - 1];
  }

  /** Events of a step that was not announced announce it. */
  apply(event: LineEvent): void {
    switch (event.type) {
      case 'warning':
        this.#warnings.push(event);
        break;
      case 'notice':
        this.#notices.push(event.message);
        break;
      case 'graph':
        break;
      case 'difference':
        this.#differences.push(event);
        break;
      default:
        this.#applyToStep(event);
    }
  }

  #applyToStep(event: StepEvent): void {
    const step = this.step(event.step) ?? newStep(event.step, this.#steps.length + 1);
    this.#numbers.set(step.id, step.number);
    this.#steps[step.number - 1] = applyToStep(step, event);
  }
}

type StepEvent = Exclude<LineEvent, { readonly type: 'warning' | 'notice' | 'graph' | 'difference' }>;

function newStep(id: StepId, number: number): Step {
  return {
    id,
    number,
    label: id,
    stage: undefined,
    status: 'planned',
    startedAt: undefined,
    endedAt: undefined,
    waitingFor: undefined,
    tail: [],
    lineCount: 0,
    transfers: [],
    error: undefined,
    changes: [],
  };
}

function applyToStep(step: Step, event: StepEvent): Step {
  switch (event.type) {
    case 'step-planned':
      return { ...step, label: event.label, stage: event.stage };
    case 'step-explained':
      return { ...step, changes: event.changes };
    case 'step-layers':
      return step;
    case 'step-waiting':
      return { ...begun(step), waitingFor: event.reason };
    case 'step-started':
      return { ...step, status: 'running', startedAt: event.at, waitingFor: undefined };
    case 'step-cached':
    case 'step-done':
      return { ...ended(step, event.at), status: event.type === 'step-done' ? 'done' : 'cached', tail: [] };
    case 'step-failed':
      return { ...step, status: 'failed', endedAt: event.at, error: event.error, waitingFor: undefined };
    case 'step-lines':
      return {
        ...begun(step),
        tail: [...step.tail, ...event.lines.slice(-TAIL_LINES)].slice(-TAIL_LINES),
        lineCount: step.lineCount + event.lines.length,
      };
    case 'transfer':
      return { ...begun(step), transfers: withTransfer(step.transfers, event) };
  }
}

function ended(step: Step, at: number): Step {
  return { ...step, startedAt: step.startedAt ?? at, endedAt: at, waitingFor: undefined };
}

/** What moves or speaks has begun, also where nobody said when: pulls and pushes have no other events. */
function begun(step: Step): Step {
  return step.status === 'planned' ? { ...step, status: 'running' } : step;
}

function withTransfer(
  transfers: readonly Transfer[],
  event: Extract<StepEvent, { readonly type: 'transfer' }>,
): readonly Transfer[] {
  const { item, direction, current, total, bytesPerSecond, remainingMs, done = false, existed = false } = event;
  const index = transfers.findIndex((transfer) => transfer.item === item && transfer.direction === direction);
  const known = transfers[index];
  const pace = { bytesPerSecond, remainingMs };
  const changed: Transfer = { item, direction, current, total: total ?? known?.total, ...pace, done, existed };
  return index < 0 ? [...transfers, changed] : transfers.with(index, changed);
}

/** Seconds that a step has taken so far, or took; `undefined` when its beginning is not known. */
export function elapsedSeconds({ startedAt, endedAt }: Step, now: number): number | undefined {
  return startedAt === undefined ? undefined : Math.max(0, (endedAt ?? now) - startedAt) / 1000;
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)}s`;
}

export function isFinished({ status }: Step): boolean {
  return status === 'cached' || status === 'done' || status === 'failed';
}
