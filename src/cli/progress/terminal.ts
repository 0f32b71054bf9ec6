import { loadViews } from '../load-views.js';
import type { ProgressSink } from '../../builder/progress.js';
import { isTerminal, type OutputStream } from '../output-stream.js';
import { isAscii, type Measure } from '../text/clip.js';
import { wrapsAgain } from '../text/rewrap.js';
import { LineSplitter } from './line-splitter.js';
import { ProgressModel } from './model.js';
import type { Outcome, ProgressRenderer } from './renderer.js';
import { summary } from './summary.js';

/** A build that is over sooner needs no live view, and does not pay for one. */
const PATIENCE_MS = 150;

export interface TerminalOptions {
  readonly stream: OutputStream;
  readonly color: boolean;
  /** Whether the terminal is to be given more than ASCII. */
  readonly utf8: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What is going on: `Building`. */
  readonly title: string;
  /** Whether the steps stay on the terminal when all is done; warnings and notes always do. */
  readonly keepSteps: boolean;
}

/** A live view while the build lasts, made with Ink; at the end a summary in its place. */
export class TerminalRenderer implements ProgressRenderer {
  readonly reportsErrors = false;
  readonly #options: TerminalOptions;
  readonly #splitter = new LineSplitter();
  readonly #model = new ProgressModel();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt: number;
  #closeView: (() => void) | undefined;
  /** It shows nothing any more, or not before the end. */
  #aside = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#timer = setTimeout(() => {
      this.#openView().catch((error: unknown) => {
        this.sink({ type: 'notice', message: `the live view cannot be shown: ${String(error)}` });
      });
    }, PATIENCE_MS);
  }

  readonly sink: ProgressSink = (event) => {
    for (const each of this.#splitter.split(event)) this.#model.apply(each);
  };

  stepAside(): void {
    this.#aside = true;
    clearTimeout(this.#timer);
    this.#closeView?.();
    this.#closeView = undefined;
  }

  /** Does not wait for a view that is still loading: it sees that it comes too late. */
  async finish(outcome: Outcome): Promise<void> {
    const { stream, now, utf8 } = this.#options;
    const end = now();
    const { state } = this.#model;
    const measure = await measureFor(state.steps.map(({ label }) => label));
    this.stepAside();
    const columns = stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns;
    const form = { measure, utf8 };
    stream.write(summary(state, outcome, { ...this.#options, columns, form, startedAt: this.#startedAt, now: end }));
  }

  async #openView(): Promise<void> {
    const { stream, color, utf8, env, now, title } = this.#options;
    const { openView } = await loadViews();
    if (this.#aside || !isTerminal(stream)) return;
    this.#closeView = openView({
      stream,
      color,
      utf8,
      rewraps: wrapsAgain(env),
      source: {
        state: () => this.#model.state,
        unfinished: (step) => this.#splitter.unfinished(step),
        now,
        startedAt: this.#startedAt,
        title,
      },
    });
  }
}

/** The tables of widths take longer to load than many a build, and most labels need none. */
async function measureFor(texts: readonly string[]): Promise<Measure> {
  return texts.every(isAscii) ? (text) => text.length : (await import('string-width')).default;
}
