import { expandHeredoc, expandTemplate, expandWords } from '../../parser/expand-template.js';
import type { Heredoc, Template } from '../../parser/instruction.js';
import type { SourceRange } from '../../support/source-range.js';
import type { BuildRequest } from '../build-request.js';
import type { VertexId } from '../graph.js';
import type { InstructionChecks } from './checks/instruction-checks.js';
import type { FileSource } from './file-source.js';
import type { GlobalArguments } from './global-arguments.js';
import type { Command } from './needed-stages.js';
import type { StageDraft } from './stage-draft.js';

export type StepSettings = Pick<
  BuildRequest,
  'network' | 'entitlements' | 'hosts' | 'limits' | 'shmSizeBytes' | 'volumes'
>;

/** What all stages of a build have in common. */
export interface BuildScope {
  readonly globals: GlobalArguments;
  /** Values of `--build-arg`. */
  readonly given: ReadonlyMap<string, string>;
  /** Whether the build context's files have owners of their own: those of an archive have. */
  readonly contextHasOwners: boolean;
  /** Of RUN steps: the network of those that do not choose, what they may choose, and what all of them have. */
  readonly steps: StepSettings;
  /** The vertex of the build context, which is in the graph from the first call on. */
  context(): VertexId;
  /** The root file system of another stage or of an image, or the files of a named context. */
  rootfsOf(source: FileSource, place: SourceRange): VertexId;
}

/** One instruction at work: where it stands and what it may change. */
export interface InstructionContext {
  readonly draft: StageDraft;
  readonly build: BuildScope;
  readonly from: FileSource | undefined;
  /** Told of what only becomes known while the instruction is applied. */
  readonly checks: InstructionChecks;
  /** Of RUN: what the mounts take their files from; `undefined` where `from=` is not given. */
  readonly mountSources: readonly (FileSource | undefined)[];
  /** Expands with the variables as they are at the time of the call. */
  readonly expand: (template: Template) => string;
  /** Expands to any number of words, as EXPOSE takes them; unlike `expand` it leaves undefined variables alone, as BuildKit does. */
  readonly expandWords: (template: Template) => readonly string[];
  /** The content of a heredoc of COPY or ADD. */
  readonly expandHeredoc: (heredoc: Heredoc) => string;
}

export function contextOf(
  { instruction, escape, from, mountSources }: Command,
  { draft, build, checks }: Pick<InstructionContext, 'draft' | 'build' | 'checks'>,
): InstructionContext {
  const { source, text } = instruction;
  const env = (name: string): string | undefined => draft.variables.get(name);
  const checkedEnv = (name: string): string | undefined => {
    const value = env(name);
    const isKnown = value !== undefined || draft.declaredArguments.has(name) || !draft.knowsVariables;
    if (!isKnown) checks.undefinedVariable(name, draft);
    return value;
  };
  return {
    draft,
    build,
    from,
    mountSources,
    checks,
    expand: (template) => expandTemplate(template, { env: checkedEnv, escape, source, within: text }),
    expandWords: (template) => expandWords(template, { env, escape, source, within: text }),
    expandHeredoc: (heredoc) => expandHeredoc(heredoc, { env: checkedEnv }),
  };
}
