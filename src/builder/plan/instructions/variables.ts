import type { ArgEntry, ArgInstruction, EnvInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { SourceRange } from '../../../support/source-range.js';
import type { BuildScope, InstructionContext } from '../instruction-context.js';
import type { OutlinedArgument } from '../../outline/outline.js';

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
export function applyArg(
  { entries, source }: ArgInstruction,
  { draft, build, checks, expand }: InstructionContext,
): void {
  const settings = entries.map((entry) => {
    const { name, value } = entry;
    checks.secretName('ARG', name);
    const given = build.given.get(name) ?? (value === undefined ? build.globals.get(name) : expand(value));
    draft.declareArgument(name, given);
    draft.declarations.push(isGlobal(entry, build) ? { name } : { name, argument: describe(entry, given, source) });
    return given === undefined ? name : `${name}=${given}`;
  });
  draft.recordEmpty(`ARG ${settings.join(' ')}`);
}

function isGlobal({ name, value }: ArgEntry, { given, globals }: BuildScope): boolean {
  return value === undefined && !given.has(name) && globals.has(name);
}

function describe({ name, description }: ArgEntry, value: string | undefined, source: SourceRange): OutlinedArgument {
  return {
    name,
    ...(value !== undefined && { value }),
    ...(description !== undefined && { description }),
    source,
  };
}
