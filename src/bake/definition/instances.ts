import { bakeError, type Span } from '../bake-error.js';
import { evaluate, placed } from '../evaluate/evaluate.js';
import { withVariables, type Scope } from '../evaluate/scope.js';
import type { Block } from '../hcl/expression.js';
import { entriesOf, isList, isMap, toText, type Value } from '../value.js';
import { labelOf } from './declared.js';

/** A target as it is built: of a block with a matrix there are several. */
export interface Instance {
  readonly name: string;
  readonly block: Block;
  readonly scope: Scope;
}

/** Of all matrices together. */
const MAX_INSTANCES = 5000;
const NAME = /^[a-zA-Z0-9_-]+$/;

/** @throws `CONFIG_INVALID` */
export function instancesOf(block: Block, scope: Scope): readonly Instance[] {
  const { attributes } = block.body;
  const [matrix, name] = [attributes.get('matrix')?.value, attributes.get('name')];
  if (name !== undefined && matrix === undefined) {
    throw bakeError(
      `cannot name target "${labelOf(block)}": only a target with a matrix has a name of its own`,
      name.span,
    );
  }
  const label = block.labels[0]?.span ?? block.span;
  const scopes =
    matrix === undefined
      ? [scope]
      : combinations(evaluate(matrix, scope), matrix.span).map((one) => withVariables(scope, one));
  const instances = scopes.map((of) => ({ block, scope: of, name: nameOf(block, of) }));
  const seen = new Set<string>();
  for (const instance of instances) {
    checkName(instance.name, name?.value.span ?? label);
    if (seen.has(instance.name)) {
      const hint = 'Give the target a name that all values of the matrix are part of: name = "app-${x}".';
      throw bakeError(`cannot build target "${instance.name}": the matrix gives it twice`, label, hint);
    }
    seen.add(instance.name);
  }
  return instances;
}

function nameOf(block: Block, scope: Scope): string {
  const name = block.body.attributes.get('name')?.value;
  if (name === undefined) return labelOf(block);
  const value = evaluate(name, scope);
  return placed(name.span, () => toText(value));
}

/** @throws `CONFIG_INVALID` */
export function checkName(name: string, span: Span | undefined): void {
  if (NAME.test(name)) return;
  throw bakeError(
    `cannot use "${name}" as a name: it has other characters than letters, digits, "_" and "-"`,
    span,
    'Use sanitize() to replace them.',
  );
}

/** Every value of each with every value of the others. */
function combinations(matrix: Value, span: Span): readonly ReadonlyMap<string, Value>[] {
  if (!isMap(matrix)) throw bakeError('cannot read a matrix: it is no map of lists', span);
  return entriesOf(matrix).reduce<readonly ReadonlyMap<string, Value>[]>(
    (sets, [name, values]) => {
      if (!isList(values)) throw bakeError(`cannot read a matrix: "${name}" is no list`, span);
      if (sets.length * values.length > MAX_INSTANCES)
        throw bakeError(`cannot read a matrix: it gives more than ${MAX_INSTANCES} targets`, span);
      return values.flatMap((value) => sets.map((set) => new Map([...set, [name, value]])));
    },
    [new Map()],
  );
}
