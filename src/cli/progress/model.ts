import type { ProgressEvent, StepId } from '../../builder/progress.js';
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
  readonly status: 'planned' | 'running' | 'cached' | 'done' | 'failed';
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** The last lines of its output. */
  readonly tail: readonly string[];
  /** How many lines it has written in all. */
  readonly lineCount: number;
  /** In the order of their beginning. */
  readonly transfers: readonly Transfer[];
  readonly error: ErrorRecord | undefined;
}

export interface ProgressState {
  /** In the order of their numbers. */
  readonly steps: readonly Step[];
  readonly warnings: readonly Warning[];
  readonly notices: readonly string[];
  /** What steps did otherwise the second time. */
  readonly differences: readonly Difference[];
}

export const EMPTY_PROGRESS: ProgressState = { steps: [], warnings: [], notices: [], differences: [] };

/** So many lines of a failed step are shown again at the end. */
export const TAIL_LINES = 20;

/** What is known after an event. Events of a step that was not announced announce it. */
export function applyEvent(state: ProgressState, event: LineEvent): ProgressState {
  switch (event.type) {
    case 'warning':
      return { ...state, warnings: [...state.warnings, event] };
    case 'notice':
      return { ...state, notices: [...state.notices, event.message] };
    case 'difference':
      return { ...state, differences: [...state.differences, event] };
    default:
      return withStep(state, event);
  }
}

type StepEvent = Exclude<LineEvent, { readonly type: 'warning' | 'notice' | 'difference' }>;

function withStep(state: ProgressState, event: StepEvent): ProgressState {
  const index = state.steps.findIndex(({ id }) => id === event.step);
  const step = state.steps[index] ?? newStep(event.step, state.steps.length + 1);
  const changed = applyToStep(step, event);
  const steps = index < 0 ? [...state.steps, changed] : state.steps.with(index, changed);
  return { ...state, steps };
}

function newStep(id: StepId, number: number): Step {
  return {
    id,
    number,
    label: id,
    status: 'planned',
    startedAt: undefined,
    endedAt: undefined,
    tail: [],
    lineCount: 0,
    transfers: [],
    error: undefined,
  };
}

function applyToStep(step: Step, event: StepEvent): Step {
  switch (event.type) {
    case 'step-planned':
      return { ...step, label: event.label };
    case 'step-started':
      return { ...step, status: 'running', startedAt: event.at };
    case 'step-cached':
      return { ...step, status: 'cached', startedAt: step.startedAt ?? event.at, endedAt: event.at };
    case 'step-done':
      return { ...step, status: 'done', startedAt: step.startedAt ?? event.at, endedAt: event.at };
    case 'step-failed':
      return { ...step, status: 'failed', endedAt: event.at, error: event.error };
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
