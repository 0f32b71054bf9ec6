import { plainLine } from '../text/terminal-text.js';
import { elapsedSeconds, formatSeconds, isFinished, type ProgressState, type Step } from './model.js';
import { transferAmount, transferSubject } from './transfer-text.js';

/** One line of the live view: `text` is cut where the terminal ends, `right` stands at its right edge. */
export interface ViewRow {
  readonly tone: 'heading' | 'finished' | 'running' | 'failed' | 'detail' | 'warning';
  readonly text: string;
  readonly right: string;
}

export interface View {
  readonly rows: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  readonly title: string;
}

/** Columns: further away from a label, its time is hard to see. */
export const WIDEST = 120;

const DETAILS = 6;

/**
 * What a terminal of so many rows shows while a build runs: what has ended above, as much of it as there is room for, and what
 * is going on below, each step with its transfers and the last lines of its output. Never more rows than the terminal has less
 * one: redrawing a view that scrolls would fill the scrollback.
 */
export function layoutView(state: ProgressState, view: View): readonly ViewRow[] {
  const running = state.steps.filter(({ status }) => status === 'running' || status === 'failed');
  const cached = state.steps.filter(({ status }) => status === 'cached');
  const done = state.steps.filter(({ status }) => status === 'done');
  const fixed = [...cachedRows(cached), ...warningRows(state)];
  const room = Math.max(1, view.rows - 2 - fixed.length);
  const active = activeRows(running, { room, now: view.now });
  return [
    headingRow(state, view),
    ...cachedRows(cached),
    ...finishedRows(done, { room: room - active.length, now: view.now }),
    ...active,
    ...warningRows(state),
  ];
}

function headingRow({ steps }: ProgressState, view: View): ViewRow {
  return { tone: 'heading', text: heading(steps, view), right: '' };
}

/** As BuildKit has it: `[+] Building 1.2s (3/5)`. */
export function heading(steps: readonly Step[], { title, now, startedAt }: Omit<View, 'rows'>): string {
  const count = steps.length === 0 ? '' : ` (${steps.filter(isFinished).length}/${steps.length})`;
  return `[+] ${title} ${formatSeconds(Math.max(0, now - startedAt) / 1000)}${count}`;
}

function cachedRows(cached: readonly Step[]): ViewRow[] {
  if (cached.length === 0) return [];
  const only = cached.length === 1 ? cached[0] : undefined;
  const text = only === undefined ? ` => CACHED ${cached.length} steps` : ` => CACHED ${plainLine(only.label)}`;
  return [{ tone: 'finished', text, right: '' }];
}

function warningRows({ warnings }: ProgressState): ViewRow[] {
  if (warnings.length === 0) return [];
  const text =
    warnings.length === 1 ? ' 1 warning, shown at the end' : ` ${warnings.length} warnings, shown at the end`;
  return [{ tone: 'warning', text, right: '' }];
}

interface Room {
  /** Rows. */
  readonly room: number;
  readonly now: number;
}

/** The latest, with one row for those that have no room. */
function finishedRows(done: readonly Step[], { room, now }: Room): ViewRow[] {
  if (room <= 0 || done.length === 0) return [];
  if (done.length <= room) return done.map((step) => stepRow(step, now));
  const latest = room === 1 ? [] : done.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).slice(1 - room);
  const folded: ViewRow = { tone: 'finished', text: ` => DONE ${done.length - latest.length} steps`, right: '' };
  return [folded, ...latest.map((step) => stepRow(step, now))];
}

function activeRows(running: readonly Step[], { room, now }: Room): ViewRow[] {
  if (running.length > room) {
    const shown = running.slice(0, room - 1);
    const more: ViewRow = { tone: 'running', text: ` => ${running.length - shown.length} more steps`, right: '' };
    return [...shown.map((step) => stepRow(step, now)), more];
  }
  const each = running.length === 0 ? 0 : Math.min(DETAILS, Math.floor((room - running.length) / running.length));
  return running.flatMap((step) => [stepRow(step, now), ...detailRows(step, each)]);
}

/** `mark` stands before the label: what became of the step. */
export function stepRow(step: Step, now: number, mark: string = step.status === 'failed' ? 'ERROR ' : ''): ViewRow {
  const tone = step.status === 'failed' ? 'failed' : step.status === 'running' ? 'running' : 'finished';
  const seconds = elapsedSeconds(step, now);
  const right = seconds === undefined ? '' : formatSeconds(seconds);
  return { tone, text: ` => ${mark}${plainLine(step.label)}`, right };
}

/** Transfers under way first; output takes what is left. */
function detailRows(step: Step, room: number): ViewRow[] {
  if (room <= 0) return [];
  const underWay = step.transfers.filter(({ done }) => !done);
  const shown = underWay.length <= room ? underWay : underWay.slice(0, room - 1);
  const transfers = shown.map((transfer): ViewRow => ({
    tone: 'detail',
    text: ` => => ${transferSubject(transfer, 'short')}`,
    right: transferAmount(transfer),
  }));
  const hidden = underWay.length - shown.length;
  const more: ViewRow[] = hidden === 0 ? [] : [{ tone: 'detail', text: ` => => ${hidden} more`, right: '' }];
  const left = room - transfers.length - more.length;
  const lines = left <= 0 ? [] : step.tail.slice(-left);
  return [
    ...transfers,
    ...more,
    ...lines.map((line): ViewRow => ({ tone: 'detail', text: ` => # ${line}`, right: '' })),
  ];
}
