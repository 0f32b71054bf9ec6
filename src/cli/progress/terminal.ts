import { loadViews } from '../load-views.js';
import { isTerminal, type OutputStream } from '../output-stream.js';
import { LineSplitter } from './line-splitter.js';
import { applyEvent, EMPTY_PROGRESS, type ProgressState } from './model.js';
import type { Outcome, ProgressRenderer } from './renderer.js';
import { summary } from './summary.js';

/** A build that is over sooner needs no live view, and does not pay for one. */
const PATIENCE_MS = 150;

export interface TerminalOptions {
  readonly stream: OutputStream;
  readonly color: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What is going on: `Building`. */
  readonly title: string;
  /** Whether the steps stay on the terminal when all is done; warnings and notes always do. */
  readonly keepSteps: boolean;
}

/** A live view while the build lasts, drawn with Ink; at the end a summary in its place. */
export function createTerminalRenderer(options: TerminalOptions): ProgressRenderer {
  const renderer = new TerminalRenderer(options);
  return {
    sink: (event) => {
      renderer.handle(event);
    },
    finish: (outcome) => {
      renderer.finish(outcome);
      return Promise.resolve();
    },
    stepAside: () => {
      renderer.stepAside();
    },
    reportsErrors: false,
  };
}

class TerminalRenderer {
  readonly #options: TerminalOptions;
  readonly #splitter = new LineSplitter();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt: number;
  #state: ProgressState = EMPTY_PROGRESS;
  #closeView: (() => void) | undefined;
  /** It shows nothing any more, or not before the end. */
  #aside = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#timer = setTimeout(() => {
      this.#openView().catch((error: unknown) => {
        this.handle({ type: 'notice', message: `the live view cannot be shown: ${String(error)}` });
      });
    }, PATIENCE_MS);
  }

  handle(event: Parameters<LineSplitter['split']>[0]): void {
    for (const each of this.#splitter.split(event)) this.#state = applyEvent(this.#state, each);
  }

  stepAside(): void {
    this.#aside = true;
    clearTimeout(this.#timer);
    this.#closeView?.();
    this.#closeView = undefined;
  }

  /** Does not wait for a view that is still loading: it sees that it comes too late. */
  finish(outcome: Outcome): void {
    this.stepAside();
    const { stream, now } = this.#options;
    const columns = stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns;
    const startedAt = this.#startedAt;
    stream.write(summary(this.#state, outcome, { ...this.#options, columns, startedAt, now: now() }));
  }

  async #openView(): Promise<void> {
    const { stream, color, now, title } = this.#options;
    const { openView } = await loadViews();
    if (this.#aside || !isTerminal(stream)) return;
    this.#closeView = openView({
      stream,
      color,
      source: { state: () => this.#state, now, startedAt: this.#startedAt, title },
    });
  }
}
