import type {
  ArgInstruction,
  CopyInstruction,
  EnvInstruction,
  Instruction,
  RunInstruction,
  WorkdirInstruction,
} from '../../parser/instruction.js';
import type { InstructionContext } from './instruction-context.js';
import { applyCopy } from './instructions/copy.js';
import { applyExpose } from './instructions/expose.js';
import { applyLabel, applyMaintainer, applyOnbuild, applyUser, applyVolume } from './instructions/metadata.js';
import { applyRun } from './instructions/run.js';
import { applyCmd, applyEntrypoint, applyHealthcheck, applyShell, applyStopSignal } from './instructions/start.js';
import { applyArg, applyEnv } from './instructions/variables.js';
import { applyWorkdir } from './instructions/workdir.js';

type Action = RunInstruction | CopyInstruction | WorkdirInstruction | EnvInstruction | ArgInstruction;

/** Takes one instruction into the draft of its stage. */
export function applyInstruction(instruction: Instruction, context: InstructionContext): void {
  switch (instruction.keyword) {
    case 'RUN':
      applyRun(instruction, context);
      break;
    case 'COPY':
    case 'ADD':
      applyCopy(instruction, context);
      break;
    case 'WORKDIR':
      applyWorkdir(instruction, context);
      break;
    case 'ENV':
      applyEnv(instruction, context);
      break;
    case 'ARG':
      applyArg(instruction, context);
      break;
    default:
      applyMetadata(instruction, context);
  }
}

function applyMetadata(instruction: Exclude<Instruction, Action>, context: InstructionContext): void {
  switch (instruction.keyword) {
    case 'CMD':
      applyCmd(instruction, context);
      break;
    case 'ENTRYPOINT':
      applyEntrypoint(instruction, context);
      break;
    case 'SHELL':
      applyShell(instruction, context);
      break;
    case 'HEALTHCHECK':
      applyHealthcheck(instruction, context);
      break;
    case 'STOPSIGNAL':
      applyStopSignal(instruction, context);
      break;
    default:
      applyDescription(instruction, context);
  }
}

type Description = Extract<
  Instruction,
  { readonly keyword: 'LABEL' | 'EXPOSE' | 'VOLUME' | 'USER' | 'MAINTAINER' | 'ONBUILD' }
>;

function applyDescription(instruction: Description, context: InstructionContext): void {
  switch (instruction.keyword) {
    case 'LABEL':
      applyLabel(instruction, context);
      break;
    case 'EXPOSE':
      applyExpose(instruction, context);
      break;
    case 'VOLUME':
      applyVolume(instruction, context);
      break;
    case 'USER':
      applyUser(instruction, context);
      break;
    case 'MAINTAINER':
      applyMaintainer(instruction, context);
      break;
    case 'ONBUILD':
      applyOnbuild(instruction, context);
  }
}
