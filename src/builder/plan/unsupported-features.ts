import type { CopyInstruction, Instruction } from '../../parser/instruction.js';
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
  if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') return firstTrue(ofCopy(instruction));
  return undefined;
}

function ofCopy(copy: CopyInstruction): Readonly<Record<string, boolean>> {
  const { keyword } = copy;
  return {
    [`a heredoc in ${keyword}`]: copy.files.length > 0,
    [`${keyword} --link`]: copy.link,
    [`${keyword} --parents`]: copy.parents,
    [`${keyword} --exclude`]: copy.exclude.length > 0,
    [`${keyword} --checksum`]: copy.checksum !== undefined,
    [`${keyword} --keep-git-dir`]: copy.keepGitDir === true,
    [`${keyword} --unpack`]: copy.unpack !== undefined,
  };
}

function firstTrue(features: Readonly<Record<string, boolean>>): string | undefined {
  return Object.keys(features).find((name) => features[name]);
}
