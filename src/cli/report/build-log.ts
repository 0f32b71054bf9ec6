import type { DrawnGraph, ProgressEvent, StepId } from '../../builder/progress.js';
import { LineSplitter } from '../progress/line-splitter.js';
import { ProgressModel, type ProgressState } from '../progress/model.js';

/** Characters of output that are kept: of a step at its beginning and at its end each, and of all steps together. */
const MAX_HALF = 128 << 10;
const MAX_ALL = 8 << 20;

export interface StepLog {
  readonly head: readonly string[];
  /** Lines between the two that were not kept. */
  readonly omitted: number;
  readonly tail: readonly string[];
}

export interface MadeLayer {
  readonly digest: string;
  readonly size: number;
}

/** All of a build that a report tells; gathered from its events, and from nothing else. */
export interface BuildFacts {
  readonly state: ProgressState;
  /** Milliseconds since the epoch of the first event that has a time, and of the last. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Several, where several platforms are built; empty when it failed before there was any. */
  readonly graphs: readonly DrawnGraph[];
  readonly logs: ReadonlyMap<StepId, StepLog>;
  readonly layers: ReadonlyMap<StepId, readonly MadeLayer[]>;
}

/** Listens to a build. */
export class BuildLog {
  readonly #splitter = new LineSplitter();
  readonly #graphs: DrawnGraph[] = [];
  readonly #logs = new Map<StepId, LogDraft>();
  readonly #layers = new Map<StepId, readonly MadeLayer[]>();
  readonly #model = new ProgressModel();
  #room = MAX_ALL;
  #startedAt: number | undefined;
  #endedAt = 0;

  handle(event: ProgressEvent): void {
    if ('at' in event) {
      this.#startedAt ??= event.at;
      this.#endedAt = Math.max(this.#endedAt, event.at);
    }
    if (event.type === 'graph') this.#graphs.push(event.graph);
    else if (event.type === 'step-layers') this.#layers.set(event.step, event.layers);
    for (const each of this.#splitter.split(event)) {
      this.#model.apply(each);
      if (each.type === 'step-lines') this.#write(each.step, each.lines);
    }
  }

  facts(): BuildFacts {
    return {
      state: this.#model.state,
      startedAt: this.#startedAt ?? 0,
      endedAt: this.#endedAt,
      graphs: this.#graphs,
      logs: new Map([...this.#logs].map(([step, draft]) => [step, draft.log()])),
      layers: this.#layers,
    };
  }

  #write(step: StepId, lines: readonly string[]): void {
    const draft = this.#logs.get(step) ?? new LogDraft();
    this.#logs.set(step, draft);
    for (const line of lines) this.#room -= draft.add(line, this.#room);
  }
}

/** The beginning and the end of a step's output. */
class LogDraft {
  readonly #head: string[] = [];
  readonly #tail: string[] = [];
  #headSize = 0;
  #tailSize = 0;
  #omitted = 0;

  /** @returns by how many characters more is kept */
  add(line: string, room: number): number {
    const size = line.length + 1;
    if (this.#tail.length === 0 && this.#omitted === 0 && this.#headSize + size <= Math.min(MAX_HALF, room)) {
      this.#head.push(line);
      this.#headSize += size;
      return size;
    }
    const before = this.#tailSize;
    this.#tail.push(line);
    this.#tailSize += size;
    const limit = Math.min(MAX_HALF, Math.max(0, before + room));
    while (this.#tailSize > limit) {
      this.#tailSize -= (this.#tail.shift() ?? '').length + 1;
      this.#omitted += 1;
    }
    return this.#tailSize - before;
  }

  log(): StepLog {
    return { head: this.#head, omitted: this.#omitted, tail: this.#tail };
  }
}
