import type { CopyInstruction, Stage } from '../../parser/instruction.js';
import { asTemplate, expandTemplate } from '../../parser/expand-template.js';
import { TsbuildError } from '../../support/errors.js';
import type { NamedSource } from './file-source.js';
import type { StageIndex } from './stage-index.js';

/**
 * What `--from` names: a stage above by name (case aside) or number, otherwise an image; `undefined` without the flag.
 * @throws `DOCKERFILE_SEMANTICS`
 */
export function copySource(instruction: CopyInstruction, stage: Stage, index: StageIndex): NamedSource | undefined {
  const { from } = instruction;
  if (from === undefined || from === '') return undefined;
  refuseVariables(from, instruction);
  const number = /^[+-]?\d+$/.test(from) ? stageNumber(from, instruction, index) : index.find(from);
  if (number === undefined) return from === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name: from };
  if (number < stage.index) return { kind: 'stage', index: number };
  const state = number === stage.index ? 'it is the stage itself' : 'it is defined further down';
  throw unusable(instruction, state, 'A stage can be used only below the last instruction of it: reorder the stages.');
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
  return new TsbuildError('DOCKERFILE_SEMANTICS', message, { hint, source });
}
