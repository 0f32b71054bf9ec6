import type { Finding } from '../../../parser/checks/finding.js';
import {
  exposedPort,
  flagWithoutEffect,
  idleMountOption,
  ignoredFile,
  jsonRecommended,
  legacyFormat,
  multipleInstructions,
  relativeWorkdir,
  secretName,
  undefinedVariable,
} from '../../../parser/checks/messages.js';
import { stepFindings } from '../../../parser/checks/step-checks.js';
import type { Instruction, ParseWarning } from '../../../parser/instruction.js';
import type { Command } from '../needed-stages.js';
import { FOR_THE_BUILDER, type StageDraft } from '../stage-draft.js';
import { ignoredSource, type IgnoredPaths } from './ignored-paths.js';

const ONCE_A_STAGE: readonly Instruction['keyword'][] = ['CMD', 'ENTRYPOINT', 'HEALTHCHECK'];

/** The rules that need to know what an instruction means, at work on one stage (BuildKit checks them in dispatch). */
export class StageChecks {
  readonly #warn: (warning: ParseWarning) => void;
  readonly #ignored: () => IgnoredPaths | undefined;
  readonly #last = new Map<Instruction['keyword'], Instruction>();
  #hasWorkdir: boolean;

  /** `base`: of the stage that this one starts from. */
  constructor(options: {
    readonly warn: (warning: ParseWarning) => void;
    readonly ignored: () => IgnoredPaths | undefined;
    readonly base: StageChecks | undefined;
  }) {
    this.#warn = options.warn;
    this.#ignored = options.ignored;
    this.#hasWorkdir = options.base?.hasWorkdir ?? false;
  }

  /** Whether there is a WORKDIR in the stage or in one that it is made from, to which relative paths are added. */
  get hasWorkdir(): boolean {
    return this.#hasWorkdir;
  }

  /** The checks of one instruction, which it calls with what it finds out. */
  at({ instruction }: Pick<Command, 'instruction'>): InstructionChecks {
    const report = (finding: Finding): void => {
      this.#report(finding, instruction);
    };
    const reported = new Set<string>();
    return {
      undefinedVariable: (name, draft) => {
        if (reported.has(name) || FOR_THE_BUILDER.has(name)) return;
        reported.add(name);
        report(undefinedVariable(name, draft.variables.keys()));
      },
      secretName: (keyword, name) => {
        secretName(keyword, name).forEach(report);
      },
      exposedPort: (port) => {
        exposedPort(port).forEach(report);
      },
      workdir: (path) => {
        if (!this.#hasWorkdir && !path.startsWith('/')) report(relativeWorkdir(path));
        this.#hasWorkdir = true;
      },
      mountOptions: (type, options) => {
        if (options.length > 0) report(idleMountOption(type, options));
      },
      contextPath: (keyword, path) => {
        const paths = this.#ignored();
        const ignored = paths === undefined ? undefined : ignoredSource(path, paths);
        if (ignored !== undefined) report(ignoredFile(keyword, ignored));
      },
      flagWithoutEffect: (message) => {
        report(flagWithoutEffect(message));
      },
    };
  }

  /** What shows before the instruction is applied to the draft. */
  begin({ instruction, isTrigger }: Command, draft: StageDraft): void {
    const keyword = writtenKeyword(instruction);
    const previous = this.#last.get(instruction.keyword);
    if (previous !== undefined && ONCE_A_STAGE.includes(instruction.keyword)) {
      this.#report(multipleInstructions(keyword), previous, instruction);
    }
    this.#last.set(instruction.keyword, instruction);
    for (const finding of dockerFindings(instruction, draft)) this.#report(finding, instruction);
    // What a base image brings is not for its users to correct.
    if (isTrigger) return;
    for (const finding of stepFindings(instruction, draft.config.user)) this.#report(finding, instruction);
  }

  /** `by` is the instruction whose comments say what is skipped. */
  #report(finding: Finding, at: Instruction, by: Instruction = at): void {
    const { source } = at;
    const { check } = by;
    this.#warn(check === undefined ? { ...finding, source } : { ...finding, source, check });
  }
}

/** What an instruction tells while it is applied. */
export interface InstructionChecks {
  /** A variable that a template uses and that is not set. */
  undefinedVariable(name: string, draft: StageDraft): void;
  /** A name that ENV or ARG sets. */
  secretName(keyword: 'ENV' | 'ARG', name: string): void;
  /** A word of EXPOSE. */
  exposedPort(port: string): void;
  /** The path of WORKDIR. */
  workdir(path: string): void;
  /** Options of a mount that are given and mean nothing for its type. */
  mountOptions(type: string, options: readonly string[]): void;
  /** A path of the build context that COPY or ADD takes. */
  contextPath(keyword: 'COPY' | 'ADD', path: string): void;
  /** What a flag does not do, in words. */
  flagWithoutEffect(message: string): void;
}

function dockerFindings(instruction: Instruction, draft: StageDraft): readonly Finding[] {
  const keyword = writtenKeyword(instruction);
  switch (instruction.keyword) {
    case 'CMD':
    case 'ENTRYPOINT':
      return instruction.command.form === 'shell' && draft.config.shell.length === 0 ? [jsonRecommended(keyword)] : [];
    case 'ENV':
    case 'LABEL':
      return instruction.legacy === true ? [legacyFormat(keyword)] : [];
    default:
      return [];
  }
}

function writtenKeyword({ text, keyword }: Instruction): string {
  return /^\w+/.exec(text)?.[0] ?? keyword;
}
