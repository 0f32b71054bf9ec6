import { StringDecoder } from 'node:string_decoder';
import type { ProgressEvent, StepId } from '../../builder/progress.js';
import { visibleLine } from '../../support/visible-line.js';

/** Progress as renderers for people take it: output in whole lines that are safe to print. */
export type LineEvent =
  | Exclude<ProgressEvent, { readonly type: 'step-log' }>
  | { readonly type: 'step-lines'; readonly step: StepId; readonly at: number; readonly lines: readonly string[] };

/** A line without an end is passed on in pieces of this many characters: memory stays bounded, and nothing is lost. */
const LONGEST = 64 * 1024;

/** Characters of an unfinished line: more fit into no terminal. */
const SHOWN_UNFINISHED = 4096;

interface Partial {
  readonly decoder: StringDecoder;
  /** Without what a return has overwritten. */
  text: string;
}

/**
 * Cuts the output of steps into lines. What a carriage return overwrites, as progress bars do, is left out; the rest of a step's
 * output comes with its end, before the event that says so.
 */
export class LineSplitter {
  readonly #partials = new Map<StepId, Map<string, Partial>>();

  split(event: ProgressEvent): readonly LineEvent[] {
    if (event.type === 'step-log') {
      const lines = this.#take(this.#partial(event.step, event.stream), event.chunk);
      return lines.length === 0 ? [] : [{ type: 'step-lines', step: event.step, at: event.at, lines }];
    }
    if (event.type !== 'step-done' && event.type !== 'step-failed') return [event];
    const lines = this.#flush(event.step);
    return lines.length === 0 ? [event] : [{ type: 'step-lines', step: event.step, at: event.at, lines }, event];
  }

  /** What a step has written of a line that it has not ended, such as a bar that grows; the latest of its two streams. */
  unfinished(step: StepId): string {
    const texts = [...(this.#partials.get(step)?.values() ?? [])].map(({ text }) => text);
    return visibleLine((texts.findLast((text) => text !== '') ?? '').slice(-SHOWN_UNFINISHED));
  }

  #partial(step: StepId, stream: string): Partial {
    let streams = this.#partials.get(step);
    if (streams === undefined) this.#partials.set(step, (streams = new Map<string, Partial>()));
    let partial = streams.get(stream);
    if (partial === undefined) streams.set(stream, (partial = { decoder: new StringDecoder('utf8'), text: '' }));
    return partial;
  }

  #take(partial: Partial, chunk: Uint8Array): string[] {
    const lines = (partial.text + partial.decoder.write(Buffer.from(chunk))).split('\n');
    partial.text = lastOverwrite(lines.pop() ?? '');
    if (partial.text.length > LONGEST) {
      lines.push(partial.text);
      partial.text = '';
    }
    return lines.map(visibleLine);
  }

  #flush(step: StepId): string[] {
    const streams = this.#partials.get(step);
    if (streams === undefined) return [];
    this.#partials.delete(step);
    return [...streams.values()]
      .map(({ decoder, text }) => text + decoder.end())
      .filter((text) => text !== '')
      .map(visibleLine);
  }
}

/** Of an unfinished line, what can still be seen; a return at its very end may be the first half of a line end. */
function lastOverwrite(text: string): string {
  const at = text.lastIndexOf('\r', text.length - 2);
  return at < 0 ? text : text.slice(at + 1);
}
