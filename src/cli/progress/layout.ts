import type { StepId } from '../../builder/progress.js';
import { formatSize } from '../text/size.js';
import { plainLine } from '../text/terminal-text.js';
import { laneOf, lanesOf } from './lane.js';
import { elapsedSeconds, formatSeconds, isFinished, type ProgressState, type Step, type Transfer } from './model.js';
import { noticeLine, warningLine } from './report.js';
import { transferAmount, transferSubject } from './transfer-text.js';

/** One line of the live view: `text` is cut where the terminal ends, `right` stands at its right edge. */
export interface ViewRow {
  readonly tone: 'heading' | 'finished' | 'running' | 'failed' | 'detail' | 'warning';
  readonly text: string;
  readonly right: string;
}

export interface View {
  /** Of the terminal. */
  readonly rows: number;
  readonly columns: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  readonly title: string;
  /** The line that a step has begun to write. */
  readonly unfinished: (step: StepId) => string;
}

/** What a terminal shows while a build runs: what has ended above, what is going on below. */
export interface ViewFrame {
  readonly head: readonly ViewRow[];
  /** Beside each other, each of the same width: stages that go on at the same time, where the terminal is wide enough. */
  readonly panes: readonly (readonly ViewRow[])[];
  readonly foot: readonly ViewRow[];
  /** Columns of a pane; of all where there is one. */
  readonly width: number;
}

/** Columns: further away from a label, its time is hard to see. */
export const WIDEST = 120;
/** Columns between panes. */
export const PANE_GAP = 2;

const NARROWEST_PANE = 78;
/** Rows below which only what is going on is shown. */
const FEW_ROWS = 10;
/** Lines of a step's output, where there is room; of a high terminal more. */
const DETAILS = 6;
const DETAILS_SHARE = 5;

/**
 * Never more rows than the terminal has less one: redrawing a view that scrolls would fill the scrollback. Each running step has
 * its transfers and the last lines of its output below it.
 */
export function layoutView(state: ProgressState, view: View): ViewFrame {
  const active = state.steps.filter(({ status }) => status === 'running' || status === 'failed');
  const done = state.steps.filter(({ status }) => status === 'done');
  const many = view.rows >= FEW_ROWS;
  const overview = [...cachedRows(state.steps), ...(many ? stageRows(state) : [])];
  const foot = [...(many ? noticeRows(state) : []), ...warningRows(state)];
  const room = Math.max(1, view.rows - 2 - overview.length - foot.length);
  const columns = paneColumns(active, view.columns);
  const panes = columns.map((steps) => activeRows(steps, { room, view }));
  const highest = Math.max(0, ...panes.map((rows) => rows.length));
  const finished = finishedRows(done, { room: room - highest, view });
  return {
    head: [headingRow(state, view), ...overview, ...finished],
    panes,
    foot,
    width: panes.length > 1 ? paneWidth(panes.length, view.columns) : Math.min(view.columns, WIDEST),
  };
}

function paneWidth(count: number, columns: number): number {
  return Math.floor((columns - (count - 1) * PANE_GAP) / count);
}

/** Steps of one stage stay together. */
function paneColumns(active: readonly Step[], columns: number): readonly (readonly Step[])[] {
  const byLane = new Map<string, Step[]>();
  for (const step of active) {
    const lane = laneOf(step) ?? step.id;
    byLane.set(lane, [...(byLane.get(lane) ?? []), step]);
  }
  const lanes = [...byLane.values()];
  const count = Math.min(lanes.length, Math.floor((columns + PANE_GAP) / (NARROWEST_PANE + PANE_GAP)));
  if (count <= 1) return [active];
  return Array.from({ length: count }, (_, pane) => lanes.filter((__, index) => index % count === pane).flat());
}

function headingRow({ steps }: ProgressState, view: View): ViewRow {
  return { tone: 'heading', text: heading(steps, view), right: '' };
}

/** As BuildKit has it: `[+] Building 1.2s (3/5)`. */
export function heading(
  steps: readonly Step[],
  { title, now, startedAt }: Pick<View, 'title' | 'now' | 'startedAt'>,
): string {
  const count = steps.length === 0 ? '' : ` (${steps.filter(isFinished).length}/${steps.length})`;
  return `[+] ${title} ${formatSeconds(Math.max(0, now - startedAt) / 1000)}${count}`;
}

function cachedRows(steps: readonly Step[]): ViewRow[] {
  const cached = steps.filter(({ status }) => status === 'cached');
  if (cached.length === 0) return [];
  const only = cached.length === 1 ? cached[0] : undefined;
  const text = only === undefined ? ` => CACHED ${cached.length} steps` : ` => CACHED ${plainLine(only.label)}`;
  return [{ tone: 'finished', text, right: '' }];
}

/** How far each stage is, where there are several. */
function stageRows({ steps }: ProgressState): ViewRow[] {
  const lanes = lanesOf(steps);
  const open = lanes.filter(({ finished, total }) => finished < total);
  if (lanes.length < 2 || open.length === 0) return [];
  const whole = lanes.length - open.length;
  const places = open.map(({ name, finished, total }) => `${plainLine(name)} ${finished}/${total}`);
  const text = [...(whole === 0 ? [] : [`${whole} done`]), ...places].join(', ');
  return [{ tone: 'finished', text: ` => STAGES ${text}`, right: '' }];
}

/** The last one: what everything waits for is told by a note. */
function noticeRows({ notices }: ProgressState): ViewRow[] {
  const last = notices.at(-1);
  return last === undefined ? [] : [{ tone: 'detail', text: ` ${noticeLine(last)}`, right: '' }];
}

function warningRows({ warnings }: ProgressState): ViewRow[] {
  const last = warnings.at(-1);
  if (last === undefined) return [];
  const count = warnings.length === 1 ? '' : `${warnings.length} warnings, shown at the end; the last: `;
  return [{ tone: 'warning', text: ` ${count}${warningLine(last)}`, right: '' }];
}

interface Room {
  /** Rows. */
  readonly room: number;
  readonly view: View;
}

/** The latest, with one row for those that have no room. */
function finishedRows(done: readonly Step[], { room, view: { now } }: Room): ViewRow[] {
  if (room <= 0 || done.length === 0) return [];
  if (done.length <= room) return done.map((step) => stepRow(step, now));
  const latest = room === 1 ? [] : done.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).slice(1 - room);
  const folded: ViewRow = { tone: 'finished', text: ` => DONE ${done.length - latest.length} steps`, right: '' };
  return [folded, ...latest.map((step) => stepRow(step, now))];
}

function activeRows(running: readonly Step[], { room, view }: Room): ViewRow[] {
  if (running.length > room) {
    const shown = running.slice(0, room - 1);
    const more: ViewRow = { tone: 'running', text: ` => ${running.length - shown.length} more steps`, right: '' };
    return [...shown.map((step) => stepRow(step, view.now)), more];
  }
  const most = Math.max(DETAILS, Math.floor(view.rows / DETAILS_SHARE));
  const each = running.length === 0 ? 0 : Math.min(most, Math.floor((room - running.length) / running.length));
  return running.flatMap((step) => [stepRow(step, view.now), ...detailRows(step, each, view)]);
}

/** `mark` stands before the label: what became of the step. */
export function stepRow(step: Step, now: number, mark: string = step.status === 'failed' ? 'ERROR ' : ''): ViewRow {
  const tone = step.status === 'failed' ? 'failed' : step.status === 'running' ? 'running' : 'finished';
  const seconds = elapsedSeconds(step, now);
  const right = seconds === undefined ? '' : formatSeconds(seconds);
  return { tone, text: ` => ${mark}${plainLine(step.label)}`, right };
}

/** Transfers under way first; output takes what is left. */
function detailRows(step: Step, room: number, { unfinished }: View): ViewRow[] {
  if (room <= 0) return [];
  if (step.waitingFor !== undefined) return [detail('waits for another build that does the same')];
  const transfers = transferRows(step, room);
  const left = room - transfers.length;
  if (left <= 0) return transfers;
  const begun = unfinished(step.id);
  const lines = (begun === '' ? step.tail : [...step.tail, begun]).slice(-left);
  return [...transfers, ...lines.map((line): ViewRow => ({ tone: 'detail', text: ` => # ${line}`, right: '' }))];
}

function transferRows({ transfers }: Step, room: number): ViewRow[] {
  const underWay = transfers.filter(({ done }) => !done);
  const shown = underWay.length <= room ? underWay : underWay.slice(0, room - 1);
  const rows = shown.map((transfer) => detail(transferSubject(transfer, 'short'), transferAmount(transfer)));
  const hidden = underWay.slice(shown.length);
  return hidden.length === 0 ? rows : [...rows, detail(`${hidden.length} more`, amountOfAll(hidden))];
}

function amountOfAll(transfers: readonly Transfer[]): string {
  const sum = transfers.reduce((bytes, { current }) => bytes + current, 0);
  return formatSize(sum);
}

function detail(text: string, right = ''): ViewRow {
  return { tone: 'detail', text: ` => => ${text}`, right };
}
