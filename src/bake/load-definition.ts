import { isTsbuildError, TsbuildError } from '../support/errors.js';
import { declaredIn } from './definition/declared.js';
import type { EvaluationOptions } from './definition/evaluation.js';
import { readDefinition, type Definition } from './definition/read-definition.js';
import type { Body } from './hcl/expression.js';
import { parseHcl } from './hcl/parse-body.js';
import { parseJsonBody } from './json/json-body.js';
import { SourceText } from './source-text.js';
import type { ComposeEnvironment } from './compose/read-compose.js';
import { mergeFields } from './target/merge-fields.js';
import type { Fields, Group, Target } from './target/field.js';

export interface DefinitionFile {
  /** As messages call it; its end says what is in it. */
  readonly name: string;
  readonly text: string;
}

export interface LoadOptions extends Omit<EvaluationOptions, 'declared'> {
  readonly compose: ComposeEnvironment;
}

/** What files give a target of one name is merged, later files last. @throws `CONFIG_INVALID` with the place of the mistake */
export async function loadDefinition(files: readonly DefinitionFile[], options: LoadOptions): Promise<Definition> {
  const bodies: Body[] = [];
  const compose: SourceText[] = [];
  for (const { name, text } of files) {
    const source = new SourceText(name, text);
    const kind = kindOf(source);
    if (kind === 'compose') compose.push(source);
    else bodies.push(kind === 'json' ? parseJsonBody(source) : parseHcl(source));
  }
  const definition = readDefinition({ ...options, declared: declaredIn(bodies) });
  if (compose.length === 0) return definition;
  const { readCompose } = await import('./compose/read-compose.js');
  return merged(await readCompose(compose, options.compose), definition);
}

function kindOf(source: SourceText): 'hcl' | 'json' | 'compose' {
  const name = source.name.toLowerCase();
  if (/\.ya?ml$/.test(name)) return 'compose';
  if (name.endsWith('.json')) return 'json';
  if (name.endsWith('.hcl')) return 'hcl';
  return guessed(source);
}

/** Of standard input and names that say nothing. */
function guessed(source: SourceText): 'hcl' | 'json' | 'compose' {
  if (/^\s*\{/.test(source.text)) return 'json';
  try {
    parseHcl(source);
    return 'hcl';
  } catch (error) {
    if (!isTsbuildError(error, 'CONFIG_INVALID')) throw error;
    if (/^services\s*:/m.test(source.text)) return 'compose';
    throw error;
  }
}

/** Definition files come after compose files, whatever their order. */
function merged(
  compose: Pick<Definition, 'targets' | 'groups'>,
  { targets, groups, variables }: Definition,
): Definition {
  const byName = new Map<string, Fields>();
  for (const { name, fields } of [...compose.targets, ...targets]) {
    byName.set(name, mergeFields(byName.get(name) ?? new Map(), fields));
  }
  const allGroups = new Map<string, Group>([...compose.groups, ...groups].map((group) => [group.name, group]));
  const all = [...byName].map(([name, fields]): Target => ({ name, fields }));
  return { variables, targets: all, groups: [...allGroups.values()] };
}

/** Of the files that are looked for when none is named, in the order in which they count. */
export const DEFAULT_FILES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

export function noDefinition(): TsbuildError {
  return new TsbuildError('CONFIG_INVALID', 'cannot find a definition: the working directory has none', {
    hint: `Name one with -f, or write one of ${DEFAULT_FILES.join(', ')}.`,
  });
}
