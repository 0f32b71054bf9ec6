import { expandTemplate } from '../../parser/expand-template.js';
import type { Dockerfile, Template } from '../../parser/instruction.js';
import type { SourceRange } from '../../support/source-range.js';
import { orUndefined } from '../plan/checks/or-undefined.js';
import { PLATFORM_ARGUMENTS, type GlobalArguments } from '../plan/global-arguments.js';
import type { OutlinedArgument } from './outline.js';

/** An argument and the others that its default is made of. */
export interface ArgumentDefinition {
  readonly argument: OutlinedArgument;
  readonly dependencies: ReadonlySet<string>;
}

/**
 * The last definition of each argument above the first FROM. What a default takes from an earlier definition of its own name
 * stands for what that one was made of, as in BuildKit (dockerfile2llb, buildMetaArgs).
 * @param globals with the values of the build
 */
export function globalDefinitions(
  { globalArgs, escape }: Pick<Dockerfile, 'globalArgs' | 'escape'>,
  { globals, given }: { readonly globals: GlobalArguments; readonly given: ReadonlyMap<string, string> },
): ReadonlyMap<string, ArgumentDefinition> {
  const known = new Set(PLATFORM_ARGUMENTS);
  const definitions = new Map<string, ArgumentDefinition>();
  for (const { entries, source } of globalArgs) {
    for (const { name, value: template, description } of entries) {
      const isExpanded = template !== undefined && !given.has(name);
      const names = isExpanded ? namesIn(template, { known, globals, escape, source }) : new Set<string>();
      const earlier = names.has(name) ? (definitions.get(name)?.dependencies ?? []) : [];
      const dependencies = new Set([...names, ...earlier].filter((other) => other !== name));
      if (template !== undefined || given.has(name)) known.add(name);
      const argument = { name, value: known.has(name) ? globals.get(name) : undefined, description };
      definitions.set(name, { argument: { ...withoutUndefined(argument), source }, dependencies });
    }
  }
  return definitions;
}

function withoutUndefined({
  name,
  value,
  description,
}: {
  readonly name: string;
  readonly value: string | undefined;
  readonly description: string | undefined;
}): Omit<OutlinedArgument, 'source'> {
  return { name, ...(value !== undefined && { value }), ...(description !== undefined && { description }) };
}

interface Expansion {
  /** Names that have a value at this place. */
  readonly known: ReadonlySet<string>;
  readonly globals: GlobalArguments;
  readonly escape: '\\' | '`';
  readonly source: SourceRange;
}

/** The variables with a value that a text asks for; none in one that cannot be expanded. */
export function namesIn(template: Template, { known, globals, escape, source }: Expansion): ReadonlySet<string> {
  const names = new Set<string>();
  const env = (name: string): string | undefined => {
    if (!known.has(name)) return undefined;
    names.add(name);
    return globals.get(name);
  };
  orUndefined(() => expandTemplate(template, { env, escape, source }));
  return names;
}
