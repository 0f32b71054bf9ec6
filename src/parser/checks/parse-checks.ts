import type { SourceRange } from '../../support/source-range.js';
import type { Instruction, ParseWarning, Stage } from '../instruction.js';
import type { CheckOptions } from './check-options.js';
import type { Finding } from './finding.js';
import { pastedCharacters } from './pasted-character.js';
import { inconsistentCasing, stageName } from './stage-checks.js';

export interface CheckedPlace {
  readonly source: SourceRange;
  /** What the comments above it ask for; absent where BuildKit does not listen to them. */
  readonly check?: CheckOptions | undefined;
}

/** The warnings of one parse: all there are, also those that the file asks to skip. */
export class ParseChecks {
  readonly #warnings: ParseWarning[] = [];

  add({ rule, message }: Finding, { source, check }: CheckedPlace): void {
    this.#warnings.push({ rule, message, source, ...(check !== undefined && { check }) });
  }

  /** What shows only once all stages are known. */
  addOfStages(stages: readonly Stage[]): void {
    const keywords = stages.flatMap(({ instructions, ...start }) => [start, ...instructions].map(writtenKeyword));
    for (const { place, ...finding } of inconsistentCasing(keywords)) this.add(finding, place);
    const names = new Set<string>();
    for (const { name, source, text, check } of stages) {
      for (const finding of pastedCharacters(text)) this.add(finding, { source, check });
      if (name === undefined) continue;
      for (const finding of stageName(name, names)) this.add(finding, { source });
      names.add(name);
    }
  }

  /** In the order of the file. */
  finish(): readonly ParseWarning[] {
    return this.#warnings.toSorted(
      (a, b) => a.source.start.line - b.source.start.line || a.source.start.column - b.source.start.column,
    );
  }
}

function writtenKeyword({ text, source }: Pick<Instruction, 'text' | 'source'>): {
  readonly keyword: string;
  readonly place: CheckedPlace;
} {
  return { keyword: /^\S+/.exec(text)?.[0] ?? '', place: { source } };
}
