import { palette } from '../text/color.js';
import { plainLine } from '../text/terminal-text.js';
import { changeLines } from './change-text.js';
import { heading, stepRow, WIDEST } from './layout.js';
import type { ProgressState, Step } from './model.js';
import type { Outcome } from './renderer.js';
import { failureLines, noticeLine, resultLines, warningLine } from './report.js';

export interface SummaryOptions {
  readonly color: boolean;
  readonly columns: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  readonly title: string;
  readonly keepSteps: boolean;
}

/** What stays in a terminal's scrollback when a build has ended, with its end of line. */
export function summary(state: ProgressState, outcome: Outcome, options: SummaryOptions): string {
  const paint = palette(options.color);
  const lines = [
    ...(options.keepSteps ? stepSummary(state.steps, outcome, options) : []),
    ...state.notices.map(noticeLine),
    ...state.warnings.map((warning) => paint.yellow(warningLine(warning))),
    ...failureLines(state, outcome),
    ...(outcome.kind === 'done' && outcome.result !== undefined ? resultLines(outcome.result) : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function stepSummary(steps: readonly Step[], outcome: Outcome, options: SummaryOptions): string[] {
  const begun = steps.filter(({ status }) => status !== 'planned');
  if (begun.length === 0) return [];
  const result = outcome.kind === 'done' ? 'FINISHED' : 'FAILED';
  return [
    palette(options.color).bold(`${heading(steps, options)} ${result}`),
    ...stepLines(begun, { ...options, failed: outcome.kind === 'failed' }),
  ];
}

/** Steps in order; a run of cached ones is one line. */
function stepLines(steps: readonly Step[], options: SummaryOptions & { readonly failed: boolean }): string[] {
  const paint = palette(options.color);
  const columns = Math.min(options.columns, WIDEST);
  const lines: string[] = [];
  let cached: Step[] = [];
  const fold = (): void => {
    const [only] = cached;
    if (only !== undefined) {
      const what = cached.length === 1 ? plainLine(only.label) : `${cached.length} steps`;
      lines.push(cut(` => CACHED ${what}`, columns));
    }
    cached = [];
  };
  for (const step of steps) {
    if (step.status === 'cached') {
      cached.push(step);
      continue;
    }
    fold();
    const { text, right } =
      step.status === 'running' && options.failed
        ? stepRow(step, options.now, 'CANCELED ')
        : stepRow(step, options.now);
    const line = spread(text, right, columns);
    lines.push(step.status === 'failed' ? paint.red(line) : line);
    lines.push(...changeLines(step.changes).map((each) => cut(`      not cached: ${each}`, columns)));
  }
  fold();
  return lines;
}

function spread(left: string, right: string, columns: number): string {
  const room = Math.max(10, columns - right.length - 1);
  return `${cut(left, room).padEnd(room)} ${right}`;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}
