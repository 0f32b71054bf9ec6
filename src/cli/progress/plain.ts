import type { ProgressSink, StepId } from '../../builder/progress.js';
import { palette, type Palette } from '../text/color.js';
import { plainLine } from '../text/terminal-text.js';
import { changeLines } from './change-text.js';
import { LineSplitter, type LineEvent } from './line-splitter.js';
import { elapsedSeconds, formatSeconds, isFinished, ProgressModel, type Step, type Transfer } from './model.js';
import type { Outcome, ProgressRenderer, RendererOptions } from './renderer.js';
import { failureLines, noticeLine, resultLines, warningLine } from './report.js';
import { totalsOf, totalsText } from './totals.js';
import { transferAmount, transferSubject } from './transfer-text.js';

/** A transfer is reported at most so often, and at its end. */
const TRANSFER_INTERVAL_MS = 1000;

type StepEvent = Extract<LineEvent, { readonly step: StepId }>;

interface TransferClock {
  readonly startedAt: number;
  shownAt: number;
}

/** Lines in the manner of BuildKit's --progress=plain: `#5 [2/3] RUN make`, `#5 0.231 output`, `#5 DONE 1.2s`. */
export class PlainRenderer implements ProgressRenderer {
  readonly reportsErrors = false;
  readonly #options: RendererOptions;
  readonly #startedAt: number;
  readonly #paint: Palette;
  readonly #splitter = new LineSplitter();
  readonly #model = new ProgressModel();
  readonly #clocks = new Map<string, TransferClock>();
  /** Steps whose label has been printed: a planned step that never starts is never shown. */
  readonly #shown = new Set<StepId>();
  /** The step whose output came last, and how many lines of it with nothing of others between them. */
  #latest: { readonly step: StepId | undefined; readonly lines: number } = { step: undefined, lines: 0 };

  constructor(options: RendererOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#paint = palette(options.color);
  }

  readonly sink: ProgressSink = (event) => {
    for (const each of this.#splitter.split(event)) {
      this.#model.apply(each);
      this.#show(each);
    }
  };

  finish(outcome: Outcome): Promise<void> {
    const { state } = this.#model;
    if (this.#shown.size > 0) this.#lines([this.#totals(outcome)]);
    if (!this.#isInSight()) this.#lines(failureLines(state, outcome));
    if (outcome.kind === 'done' && outcome.result !== undefined) this.#lines(resultLines(outcome.result));
    return Promise.resolve();
  }

  #totals(outcome: Outcome): string {
    const totals = totalsOf(this.#model.state, outcome);
    const seconds = formatSeconds(Math.max(0, this.#options.now() - this.#startedAt) / 1000);
    const text = totalsText(totals);
    return `${totals.outcome} ${totals.outcome === 'finished' ? 'in' : 'after'} ${seconds}${text === '' ? '' : `: ${text}`}`;
  }

  /** Whether the end of what the failed step has printed is what was shown last anyhow. */
  #isInSight(): boolean {
    const failed = this.#model.state.steps.find(({ status }) => status === 'failed');
    return failed !== undefined && failed.id === this.#latest.step && failed.tail.length <= this.#latest.lines;
  }

  #show(event: LineEvent): void {
    this.#follow(event);
    if (event.type === 'warning') this.#lines([this.#paint.yellow(warningLine(event))]);
    else if (event.type === 'notice') this.#lines([noticeLine(event.message)]);
    else if ('step' in event && isShown(event)) this.#showStep(event);
  }

  #follow(event: LineEvent): void {
    const step = 'step' in event ? event.step : undefined;
    const isSame = step === this.#latest.step;
    if (event.type === 'step-lines') {
      this.#latest = { step, lines: event.lines.length + (isSame ? this.#latest.lines : 0) };
    } else if (!isSame && event.type !== 'graph' && event.type !== 'step-planned') {
      this.#latest = { step: undefined, lines: 0 };
    }
  }

  #showStep(event: StepEvent): void {
    const step = this.#model.step(event.step);
    if (step === undefined) return;
    const label = this.#shown.has(step.id) ? [] : [`#${step.number} ${plainLine(step.label)}`];
    this.#shown.add(step.id);
    this.#lines([...label, ...this.#linesOf(step, event)]);
  }

  #linesOf(step: Step, event: StepEvent): readonly string[] {
    const prefix = `#${step.number}`;
    if (event.type === 'step-lines') return outputLines(prefix, step, event);
    if (event.type === 'step-explained') return explanation(prefix, step);
    if (event.type === 'transfer') return this.#transferLines(prefix, step, event);
    if (event.type === 'step-waiting') return [`${prefix} waits for another build that does the same`];
    return isFinished(step) ? [`${prefix} ${this.#ending(step)}`, ''] : [];
  }

  #ending(step: Step): string {
    if (step.status === 'cached') return 'CACHED';
    if (step.status === 'failed') return this.#paint.red(`ERROR: ${plainLine(step.error?.message ?? 'failed')}`);
    return `DONE ${formatSeconds(elapsedSeconds(step, this.#options.now()) ?? 0)}`;
  }

  #transferLines(
    prefix: string,
    step: Step,
    { item, direction }: Pick<Transfer, 'item' | 'direction'>,
  ): readonly string[] {
    const transfer = step.transfers.find((each) => each.item === item && each.direction === direction);
    if (transfer === undefined) return [];
    const now = this.#options.now();
    const key = `${step.id}\0${direction}\0${item}`;
    const clock = this.#clocks.get(key) ?? { startedAt: now, shownAt: now };
    this.#clocks.set(key, clock);
    if (!transfer.done && now - clock.shownAt < TRANSFER_INTERVAL_MS) return [];
    clock.shownAt = now;
    const seconds = formatSeconds((now - clock.startedAt) / 1000);
    const moved = `${transferAmount(transfer)} ${seconds}${transfer.done ? ' done' : ''}`;
    return [`${prefix} ${transferSubject(transfer, 'full')} ${transfer.existed ? 'exists' : moved}`];
  }

  #lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#options.write(`${lines.join('\n')}\n`);
  }
}

/** Whether a line of its own step tells of it. */
function isShown<T extends LineEvent>(
  event: T,
): event is Exclude<T, { type: 'step-planned' | 'step-layers' | 'difference' }> {
  return event.type !== 'step-planned' && event.type !== 'step-layers' && event.type !== 'difference';
}

function explanation(prefix: string, { changes }: Step): string[] {
  return changeLines(changes).map((line) => `${prefix} not cached: ${line}`);
}

function outputLines(
  prefix: string,
  step: Step,
  event: { readonly at: number; readonly lines: readonly string[] },
): string[] {
  const seconds = Math.max(0, event.at - (step.startedAt ?? event.at)) / 1000;
  return event.lines.map((line) => `${prefix} ${seconds.toFixed(3)} ${line}`);
}
