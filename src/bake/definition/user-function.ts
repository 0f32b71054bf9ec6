import { bakeError } from '../bake-error.js';
import type { Block, Expression } from '../hcl/expression.js';
import { checkMembers, labelOf } from './declared.js';

export interface UserFunction {
  readonly parameters: readonly string[];
  /** Takes the arguments that are left over. */
  readonly rest: string | undefined;
  readonly result: Expression;
}

/** @throws `CONFIG_INVALID` */
export function readFunction(block: Block): UserFunction {
  const what = `function "${labelOf(block)}"`;
  checkMembers(block, { what, known: ['params', 'variadic_params', 'result'] });
  const { attributes } = block.body;
  const [params, result] = [attributes.get('params')?.value, attributes.get('result')?.value];
  if (params?.kind !== 'tuple') throw bakeError(`cannot read ${what}: it has no list "params"`, block.span);
  if (result === undefined) throw bakeError(`cannot read ${what}: it has no "result"`, block.span);
  const rest = attributes.get('variadic_params')?.value;
  return { parameters: params.items.map(nameOf), rest: rest === undefined ? undefined : nameOf(rest), result };
}

/** A JSON file has the name in quotes. */
function nameOf(expression: Expression): string {
  if (expression.kind === 'variable') return expression.name;
  if (expression.kind === 'literal' && typeof expression.value === 'string') return expression.value;
  throw bakeError('cannot read the parameters of a function: one is no name', expression.span);
}
