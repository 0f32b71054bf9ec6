import type { Platform } from '../../oci/platform.js';
import type { CopyInstruction, MountFlag, Stage } from '../../parser/instruction.js';
import { asTemplate, expandTemplate } from '../../parser/expand-template.js';
import { mountFrom } from '../../parser/instructions/run/mount-options.js';
import { TsbuildError } from '../../support/errors.js';
import type { NamedSource } from './file-source.js';

import type { NamedContexts } from './named-contexts.js';
import type { StageIndex } from './stage-index.js';

export interface SourceSearch {
  /** The stage that names the source. */
  readonly stage: Stage;
  readonly index: StageIndex;
  readonly contexts: NamedContexts;
  readonly platform: Platform;
}

/**
 * What `--from` names: a stage above by name (case aside) or number, a named build context, otherwise an image; `undefined`
 * without the flag.
 * @throws `DOCKERFILE_SEMANTICS`
 */
export function copySource(instruction: CopyInstruction, search: SourceSearch): NamedSource | undefined {
  const { from } = instruction;
  if (from === undefined || from === '') return undefined;
  refuseVariables(from, instruction);
  const { index } = search;
  const number = /^[+-]?\d+$/.test(from) ? stageNumber(from, instruction, index) : index.find(from);
  if (number === undefined) return namedImage(from, search);
  const usable = usableStage(number, search);
  if (usable !== undefined) return usable;
  throw unusable(instruction, stateOf(number, search), MUST_BE_ABOVE);
}

/**
 * What `from=` of a mount names: as with COPY, but that digits are a name like any other (dockerfile.md 33).
 * @throws `DOCKERFILE_SEMANTICS`
 */
export function mountSource(mount: MountFlag, search: SourceSearch): NamedSource | undefined {
  const from = mountFrom(mount);
  if (from === undefined || from === '') return undefined;
  const number = search.index.find(from);
  if (number === undefined) return namedImage(from, search);
  const usable = usableStage(number, search);
  if (usable !== undefined) return usable;
  const message = `cannot mount from "${from}": ${stateOf(number, search)}`;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', message, { hint: MUST_BE_ABOVE, source: mount.source });
}

/** What a name stands for that is no stage's. */
export function namedImage(name: string, search: Pick<SourceSearch, 'contexts' | 'platform'>): NamedSource {
  if (name === 'scratch') return { kind: 'scratch' };
  return search.contexts.find(name, search.platform) ?? { kind: 'image', name };
}

const MUST_BE_ABOVE = 'A stage can be used only below the last instruction of it: reorder the stages.';

/** One that a named context stands for is there from the beginning. */
function usableStage(number: number, { stage, index, contexts, platform }: SourceSearch): NamedSource | undefined {
  if (number < stage.index) return { kind: 'stage', index: number };
  const { name } = index.at(number);
  return name === undefined ? undefined : contexts.find(name, platform);
}

function stateOf(number: number, { stage }: SourceSearch): string {
  return number === stage.index ? 'it is the stage itself' : 'it is defined further down';
}

function stageNumber(from: string, instruction: CopyInstruction, index: StageIndex): number {
  const number = Number(from);
  if (number >= 0 && number < index.stages.length) return number;
  const range = index.stages.length === 1 ? 'the only stage is 0' : `stages are 0 to ${index.stages.length - 1}`;
  throw unusable(instruction, 'there is no such stage', `Numbers count the FROM lines: ${range}.`);
}

/** Refused is what expansion would change, whatever the values are. */
function refuseVariables(from: string, instruction: CopyInstruction): void {
  const { source } = instruction;
  const expanded = expandTemplate(asTemplate(from), { env: () => undefined, escape: '\\', source });
  if (expanded === from) return;
  throw unusable(
    instruction,
    '--from takes no variables',
    'Declare a stage for it, with an ARG above the first FROM and "FROM $NAME AS stage", and copy from that stage.',
  );
}

function unusable({ keyword, from = '', source }: CopyInstruction, state: string, hint: string): TsbuildError {
  const message = `cannot ${keyword === 'COPY' ? 'copy' : 'add'} from "${from}": ${state}`;
  return new TsbuildError('DOCKERFILE_SEMANTICS', message, { hint, source, details: { word: from } });
}
