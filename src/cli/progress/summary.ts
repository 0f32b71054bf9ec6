import { toAscii } from '../text/charset.js';
import { clip, type TextForm } from '../text/clip.js';
import { palette } from '../text/color.js';
import { plainLine } from '../text/terminal-text.js';
import { changeLines } from './change-text.js';
import { heading, stepRow, WIDEST } from './layout.js';
import { formatSeconds, type ProgressState, type Step } from './model.js';
import type { Outcome } from './renderer.js';
import { failureLines, noticeLine, resultLines, warningLine } from './report.js';
import { rowText } from './row-text.js';
import { totalsOf, totalsText, type Totals } from './totals.js';

export interface SummaryOptions {
  readonly color: boolean;
  readonly columns: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the whole began: as `now`. */
  readonly startedAt: number;
  readonly title: string;
  readonly keepSteps: boolean;
  readonly form: TextForm;
}

/** What stays in a terminal's scrollback when a build has ended, with its end of line. */
export function summary(state: ProgressState, outcome: Outcome, options: SummaryOptions): string {
  const paint = palette(options.color);
  const totals = totalsOf(state, outcome);
  const lines = [
    ...(options.keepSteps ? stepSummary(state.steps, totals, options) : movedSummary(totals, options)),
    ...state.notices.map(noticeLine),
    ...state.warnings.map((warning) => paint.yellow(warningLine(warning))),
    ...failureLines(state, outcome),
    ...(outcome.kind === 'done' && outcome.result !== undefined ? resultLines(outcome.result) : []),
  ];
  const text = lines.map((line) => `${line}\n`).join('');
  return options.form.utf8 ? text : toAscii(text);
}

const WORDS: Readonly<Record<Totals['outcome'], string>> = {
  finished: 'FINISHED',
  failed: 'FAILED',
  canceled: 'CANCELED',
};

function stepSummary(steps: readonly Step[], totals: Totals, options: SummaryOptions): string[] {
  const begun = steps.filter(({ status }) => status !== 'planned');
  if (begun.length === 0) return [];
  const head = `${heading(steps, options)} ${WORDS[totals.outcome]}: ${totalsText(totals)}`;
  return [palette(options.color).bold(head), ...stepLines(begun, totals.outcome, options)];
}

/** Of what only moved something. */
function movedSummary(totals: Totals, { startedAt, now }: SummaryOptions): string[] {
  const moved = totalsText({ ...totals, steps: { cached: 0, done: 0, failed: 0, canceled: 0, notBegun: 0 } });
  return moved === '' ? [] : [`${moved} in ${formatSeconds(Math.max(0, now - startedAt) / 1000)}`];
}

/** Steps in order; a run of cached ones is one line. */
function stepLines(steps: readonly Step[], outcome: Totals['outcome'], options: SummaryOptions): string[] {
  const paint = palette(options.color);
  const columns = Math.min(options.columns, WIDEST);
  const { form } = options;
  const lines: string[] = [];
  let cached: Step[] = [];
  const fold = (): void => {
    const [only] = cached;
    if (only !== undefined) {
      const what = cached.length === 1 ? plainLine(only.label) : `${cached.length} steps`;
      lines.push(clip(` => CACHED ${what}`, columns, form));
    }
    cached = [];
  };
  for (const step of steps) {
    if (step.status === 'cached') {
      cached.push(step);
      continue;
    }
    fold();
    const isCanceled = step.status === 'running' && outcome !== 'finished';
    const line = rowText(stepRow(step, options.now, isCanceled ? 'CANCELED ' : undefined), columns, form);
    lines.push(step.status === 'failed' ? paint.red(line) : line);
    lines.push(...changeLines(step.changes).map((each) => clip(`      not cached: ${each}`, columns, form)));
  }
  fold();
  return lines;
}
