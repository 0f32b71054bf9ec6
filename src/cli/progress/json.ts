import { StringDecoder } from 'node:string_decoder';
import type { ProgressEvent, StepId } from '../../builder/progress.js';
import { encodeError, isTsbuildError } from '../../support/errors.js';
import { ProgressModel } from './model.js';
import type { Outcome, ProgressRenderer, RendererOptions } from './renderer.js';
import { totalsOf } from './totals.js';

/** Of the form of the lines. Members may be added to a version; none is taken away or changes its meaning. */
export const FORMAT_VERSION = 1;

/**
 * One JSON object a line: each `ProgressEvent` with `version`, where output has `text` (UTF-8, cut anywhere between characters)
 * for its bytes; then, of what had steps, one of type `totals`, and one of type `result` or `error`. docs/progress.md tells of each.
 */
export function createJsonRenderer({ write, now }: Pick<RendererOptions, 'write' | 'now'>): ProgressRenderer {
  const text = new LogText();
  const model = new ProgressModel();
  const startedAt = now();
  const emit = (value: object): void => {
    write(`${JSON.stringify({ version: FORMAT_VERSION, ...value })}\n`);
  };
  return {
    sink: (event) => {
      // The totals need nothing of the output.
      if (event.type !== 'step-log') model.apply(event);
      for (const line of text.lines(event)) emit(line);
    },
    finish: (outcome) => {
      const { state } = model;
      if (state.steps.length > 0) {
        emit({ type: 'totals', milliseconds: Math.max(0, now() - startedAt), ...totalsOf(state, outcome) });
      }
      const last = closing(outcome);
      if (last !== undefined) emit(last);
      return Promise.resolve();
    },
    reportsErrors: true,
  };
}

type LogEvent = Extract<ProgressEvent, { readonly type: 'step-log' }>;

/** Decodes output; a character cut in two by chunks is kept together. */
class LogText {
  readonly #decoders = new Map<StepId, Map<LogEvent['stream'], StringDecoder>>();

  lines(event: ProgressEvent): readonly object[] {
    if (event.type === 'step-log') return this.#decode(event);
    return event.type === 'step-done' || event.type === 'step-failed' ? [...this.#rest(event), event] : [event];
  }

  #decode({ chunk, ...event }: LogEvent): readonly object[] {
    const ofStep = this.#decoders.get(event.step) ?? new Map<LogEvent['stream'], StringDecoder>();
    this.#decoders.set(event.step, ofStep);
    const decoder = ofStep.get(event.stream) ?? new StringDecoder('utf8');
    ofStep.set(event.stream, decoder);
    const text = decoder.write(Buffer.from(chunk));
    return text === '' ? [] : [{ ...event, text }];
  }

  #rest({ step, at }: { readonly step: StepId; readonly at: number }): readonly object[] {
    const ofStep = [...(this.#decoders.get(step) ?? [])];
    this.#decoders.delete(step);
    return ofStep
      .map(([stream, decoder]) => ({ type: 'step-log', step, at, stream, text: decoder.end() }))
      .filter(({ text }) => text !== '');
  }
}

function closing(outcome: Outcome): object | undefined {
  if (outcome.kind === 'done') {
    if (outcome.result === undefined) return undefined;
    const { elsewhere: _, cache: __, cacheMounts: ___, ...result } = outcome.result;
    return { type: 'result', ...result };
  }
  const { error } = outcome;
  if (isTsbuildError(error)) return { type: 'error', ...encodeError(error) };
  return {
    type: 'error',
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
