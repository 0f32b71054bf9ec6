import { isTsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import type { Instruction, ParseWarning, Stage } from '../instruction.js';
import { type CheckOptions, parseCheckOptions } from '../lines/check-options.js';

/** Collects warnings by the names and in the words of BuildKit's linter, less those that the file asks to skip. */
export interface Warnings {
  add(rule: string, message: string, source: SourceRange): void;
  /** A `check=skip=…` comment above the instruction at `source`. One that cannot be understood is a comment like any other. */
  skipAt(source: SourceRange, options: string): void;
  /** What shows only once the stages are known. */
  addOfStages(stages: readonly Stage[]): void;
  /** In the order of the file. */
  finish(): readonly ParseWarning[];
}

export function createWarnings({ skip }: CheckOptions): Warnings {
  const warnings: ParseWarning[] = [];
  const skippedAt = new Map<number, CheckOptions['skip']>();
  const isSkipped = (rule: string, line: number): boolean =>
    includesRule(skip, rule) || includesRule(skippedAt.get(line) ?? [], rule);
  return {
    add(rule, message, source) {
      if (!isSkipped(rule, source.start.line)) warnings.push({ rule, message, source });
    },
    skipAt(source, options) {
      try {
        skippedAt.set(source.start.line, parseCheckOptions(options, source).skip);
      } catch (error) {
        if (!isTsbuildError(error)) throw error;
      }
    },
    addOfStages(stages) {
      warnOfStages(stages, this.add.bind(this));
    },
    finish: () =>
      warnings.toSorted(
        (a, b) => a.source.start.line - b.source.start.line || a.source.start.column - b.source.start.column,
      ),
  };
}

function includesRule(skip: CheckOptions['skip'], rule: string): boolean {
  return skip === 'all' || skip.includes(rule);
}

type AddWarning = Warnings['add'];

/** What a stage passes on to the stages built from it. */
interface Inherited {
  readonly shell: boolean;
  readonly workdir: boolean;
}

function warnOfStages(stages: readonly Stage[], add: AddWarning): void {
  const named = new Map<string, Inherited>();
  for (const stage of stages) {
    if (stage.name !== undefined && named.has(stage.name)) {
      add('DuplicateStageName', `Duplicate stage name "${stage.name}", stage names should be unique`, stage.source);
    }
    const base = named.get(stage.base);
    const inherited = warnOfStage(stage.instructions, base ?? { shell: false, workdir: false }, add);
    if (stage.name !== undefined) named.set(stage.name, inherited);
  }
}

const ONCE_A_STAGE: readonly string[] = ['CMD', 'ENTRYPOINT', 'HEALTHCHECK'];

function warnOfStage(instructions: readonly Instruction[], inherited: Inherited, add: AddWarning): Inherited {
  let { shell, workdir } = inherited;
  const seen = new Map<string, Instruction>();
  for (const instruction of instructions) {
    const { keyword, source } = instruction;
    const previous = seen.get(keyword);
    if (previous !== undefined && ONCE_A_STAGE.includes(keyword)) {
      add('MultipleInstructionsDisallowed', onlyLast(keyword), previous.source);
    }
    seen.set(keyword, instruction);
    if (keyword === 'SHELL') shell = true;
    if ((keyword === 'CMD' || keyword === 'ENTRYPOINT') && instruction.command.form === 'shell' && !shell) {
      add('JSONArgsRecommended', jsonRecommended(keyword), source);
    }
    if (keyword === 'WORKDIR') {
      if (!workdir && isSurelyRelative(instruction.path)) {
        add('WorkdirRelativePath', relativeWorkdir(instruction.path), source);
      }
      workdir = true;
    }
  }
  return { shell, workdir };
}

/** Not where a variable, a quote or an escape may yet turn it into an absolute path. */
function isSurelyRelative(path: string): boolean {
  return /^[^/$'"\\`]/.test(path);
}

function onlyLast(keyword: string): string {
  return `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`;
}

function jsonRecommended(keyword: string): string {
  return `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
}

function relativeWorkdir(path: string): string {
  return `Relative workdir "${path}" can have unexpected results if the base image changes`;
}
