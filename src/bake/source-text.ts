import type { SourcePosition, SourceRange } from '../support/source-range.js';

/** A definition file's text, which knows the line and column of each of its offsets. */
export class SourceText {
  readonly name: string;
  readonly text: string;
  readonly #within: SourceRange | undefined;
  #lineStarts: readonly number[] | undefined;

  /** @param within of a text that is a string in a file: where that is */
  constructor(name: string, text: string, within?: SourceRange) {
    this.name = name;
    this.text = text;
    this.#within = within;
  }

  /** Offsets in UTF-16 units, half-open. */
  range({ start, end }: { readonly start: number; readonly end: number }): SourceRange {
    if (this.#within !== undefined) return this.#within;
    return { file: this.name, start: this.#position(start), end: this.#position(Math.max(end, start + 1)) };
  }

  #position(offset: number): SourcePosition {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
