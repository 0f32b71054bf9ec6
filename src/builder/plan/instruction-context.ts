import { expandTemplate, expandWords } from '../../parser/expand-template.js';
import type { ParseWarning, Template } from '../../parser/instruction.js';
import type { SourceRange } from '../../support/source-range.js';
import { suggest } from '../../support/suggest.js';
import type { VertexId } from '../graph.js';
import type { FileSource } from './file-source.js';
import type { GlobalArguments } from './global-arguments.js';
import type { Command } from './needed-stages.js';
import type { StageDraft } from './stage-draft.js';

/** What all stages of a build have in common. */
export interface BuildScope {
  readonly globals: GlobalArguments;
  /** Values of `--build-arg`. */
  readonly given: ReadonlyMap<string, string>;
  /** Of RUN steps that do not choose. */
  readonly network: 'host' | 'none';
  /** The vertex of the build context, which is in the graph from the first call on. */
  context(): VertexId;
  /** The root file system of another stage or of an image, or the files of a named context. */
  rootfsOf(source: FileSource, place: SourceRange): VertexId;
  warn(warning: ParseWarning): void;
}

/** One instruction at work: where it stands and what it may change. */
export interface InstructionContext {
  readonly draft: StageDraft;
  readonly build: BuildScope;
  readonly from: FileSource | undefined;
  /** Of RUN: what the mounts take their files from; `undefined` where `from=` is not given. */
  readonly mountSources: readonly (FileSource | undefined)[];
  /** Expands with the variables as they are at the time of the call. */
  readonly expand: (template: Template) => string;
  /** Expands to any number of words, as EXPOSE takes them. */
  readonly expandWords: (template: Template) => readonly string[];
}

export function contextOf(
  { instruction, escape, from, mountSources }: Command,
  draft: StageDraft,
  build: BuildScope,
): InstructionContext {
  const { source, text } = instruction;
  const reported = new Set<string>();
  const lookUp = (template: Template) => (name: string) => {
    const value = draft.variables.get(name);
    const known = value !== undefined || draft.declaredArguments.has(name) || reported.has(name);
    if (!known && usesPlainly(template, name)) {
      reported.add(name);
      build.warn({ rule: 'UndefinedVar', message: undefinedMessage(name, draft), source });
    }
    return value;
  };
  return {
    draft,
    build,
    from,
    mountSources,
    expand: (template) => expandTemplate(template, { env: lookUp(template), escape, source, within: text }),
    expandWords: (template) => expandWords(template, { env: lookUp(template), escape, source, within: text }),
  };
}

/** `${NAME:-default}` and its like say themselves what an unset variable means. */
function usesPlainly(template: Template, name: string): boolean {
  if (!/^\w+$/.test(name)) return false;
  return new RegExp(`\\$(?:${name}(?!\\w)|\\{${name}\\})`).test(template);
}

function undefinedMessage(name: string, draft: StageDraft): string {
  const near = suggest(name, draft.variables.keys());
  return `Usage of undefined variable '$${name}'${near === undefined ? '' : ` (did you mean $${near}?)`}`;
}
