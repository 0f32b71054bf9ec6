import type { Instruction, RunInstruction } from '../../parser/instruction.js';
import { TsbuildError } from '../../support/errors.js';

/**
 * Nothing that parses is passed over: what cannot be built yet is refused by its name.
 * @throws `DOCKERFILE_UNSUPPORTED`
 */
export function refuseUnsupported(instruction: Instruction): void {
  const feature = unsupportedFeature(instruction);
  if (feature === undefined) return;
  const { source } = instruction;
  throw new TsbuildError(
    'DOCKERFILE_UNSUPPORTED',
    `cannot build line ${source.start.line}: ${feature} is not supported yet`,
    {
      source,
      hint: `Write the step without ${feature}, or build this Dockerfile with BuildKit until a later version knows it.`,
    },
  );
}

function unsupportedFeature(instruction: Instruction): string | undefined {
  if (instruction.keyword === 'RUN') return firstTrue(ofRun(instruction));
  return undefined;
}

function ofRun({ command, mounts, security, devices }: RunInstruction): Readonly<Record<string, boolean>> {
  return {
    'RUN --mount': mounts.length > 0,
    'RUN --security=insecure': security === 'insecure',
    'RUN --device': devices.length > 0,
    'a heredoc that begins with "#!"': command.form === 'heredoc' && command.heredoc.content.startsWith('#!'),
  };
}

function firstTrue(features: Readonly<Record<string, boolean>>): string | undefined {
  return Object.keys(features).find((name) => features[name]);
}
