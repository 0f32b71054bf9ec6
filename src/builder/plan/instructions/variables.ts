import type { ArgInstruction, EnvInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { InstructionContext } from '../instruction-context.js';

/** Every entry is expanded with the variables before the instruction. */
export function applyEnv(
  { entries, text, source }: EnvInstruction,
  { draft, checks, expand }: InstructionContext,
): void {
  const expanded = entries.map(({ name, value }) => ({ name: expand(name), value: expand(value) }));
  for (const { name, value } of expanded) {
    if (name === '') {
      throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot set a variable in "${text}": its name is empty`, {
        hint: 'Write ENV NAME=value; where the name is a variable itself, set that one first.',
        source,
      });
    }
    checks.secretName('ENV', name);
    draft.setEnv(name, value);
  }
  draft.recordEmpty(`ENV ${expanded.map(({ name, value }) => `${name}=${value}`).join(' ')}`);
}

/** One entry sees those before it. A build argument replaces a default that then need not even make sense. */
export function applyArg({ entries }: ArgInstruction, { draft, build, checks, expand }: InstructionContext): void {
  const settings = entries.map(({ name, value }) => {
    checks.secretName('ARG', name);
    const given = build.given.get(name) ?? (value === undefined ? build.globals.get(name) : expand(value));
    draft.declareArgument(name, given);
    return given === undefined ? name : `${name}=${given}`;
  });
  draft.recordEmpty(`ARG ${settings.join(' ')}`);
}
