import { isTsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import { bakeError, type Span } from '../bake-error.js';
import type { Binary, Call, Conditional, Expression, For } from '../hcl/expression.js';
import {
  entriesOf,
  isList,
  isMap,
  kindOf,
  shown,
  toNumber,
  toText,
  toTruth,
  ValueError,
  type Value,
} from '../value.js';
import { compute } from './operators.js';
import { withItem, withVariables, type Scope } from './scope.js';
import { unified } from './unify.js';

/** What an expression gives. @throws `CONFIG_INVALID` with its place */
export function evaluate(expression: Expression, scope: Scope): Value {
  const { span } = expression;
  scope.budget.spend(1, span);
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'template':
      return joined(expression.parts, scope);
    case 'variable':
      return scope.blockValue([expression.name], span) ?? scope.variable(expression.name, span);
    case 'splat-item':
      return scope.item ?? null;
    case 'parentheses':
      return evaluate(expression.inner, scope);
    case 'tuple':
      return expression.items.map((item) => evaluate(item, scope));
    case 'object':
      return object(expression.items, scope);
    case 'for':
      return loop(expression, scope);
    default:
      return operation(expression, scope);
  }
}

type OperationKind = 'attribute' | 'index' | 'splat' | 'call' | 'unary' | 'binary' | 'conditional';

function operation(expression: Extract<Expression, { kind: OperationKind }>, scope: Scope): Value {
  switch (expression.kind) {
    case 'attribute':
    case 'index':
      return access(expression, scope);
    case 'splat':
      return splat(expression, scope);
    case 'call':
      return call(expression, scope);
    case 'unary':
      return unary(expression, scope);
    case 'binary':
      return binary(expression, scope);
    case 'conditional':
      return conditional(expression, scope);
  }
}

/** Says of a value that cannot be used where it stands. */
export function placed<T>(span: Span, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw bakeError(`cannot evaluate "${textOf(span)}": ${error.message}`, span, error.hint);
  }
}

function textOf({ source, start, end }: Span): string {
  const text = source.text.slice(start, end).replaceAll(/\s+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function joined(parts: readonly Expression[], scope: Scope): string {
  const texts = parts.map((part) => {
    const value = evaluate(part, scope);
    const text = placed(part.span, () => toText(value));
    scope.budget.spend(text.length >> 6, part.span);
    return text;
  });
  return texts.join('');
}

type Access = Extract<Expression, { kind: 'attribute' | 'index' }>;

function access(expression: Access, scope: Scope): Value {
  const path = blockPath(expression);
  const found = path === undefined ? undefined : scope.blockValue(path, expression.span);
  if (found !== undefined) return found;
  const of = evaluate(expression.of, scope);
  const key = expression.kind === 'attribute' ? expression.name : evaluate(expression.key, scope);
  return placed(expression.span, () => itemOf(of, key));
}

/** `target.app.args` as words, where nothing in it has to be evaluated. */
function blockPath(expression: Expression): readonly string[] | undefined {
  if (expression.kind === 'variable') return [expression.name];
  if (expression.kind !== 'attribute' && expression.kind !== 'index') return undefined;
  const last = expression.kind === 'attribute' ? expression.name : literalOf(expression.key);
  if (last === undefined) return undefined;
  const path = blockPath(expression.of);
  return path === undefined || path.length > 2 ? undefined : [...path, last];
}

function literalOf(expression: Expression): string | undefined {
  return expression.kind === 'literal' && typeof expression.value === 'string' ? expression.value : undefined;
}

/** @throws `ValueError` for what is not there */
export function itemOf(of: Value, key: Value): Value {
  if (isMap(of)) {
    const name = toText(key);
    const value = of.get(name);
    if (value !== undefined) return value;
    const near = suggest(name, of.keys());
    throw new ValueError(`there is no "${name}"`, near === undefined ? undefined : `Did you mean ${near}?`);
  }
  if (!isList(of)) throw new ValueError(`${kindOf(of)} has no items`);
  const index = toNumber(key);
  const value = of[index];
  if (value !== undefined) return value;
  throw new ValueError(`there is no item ${index} among ${of.length}`);
}

function splat({ of, each }: Extract<Expression, { kind: 'splat' }>, scope: Scope): Value {
  const value = evaluate(of, scope);
  if (value === null) return [];
  return (isList(value) ? value : [value]).map((item) => evaluate(each, withItem(scope, item)));
}

function call({ name, args, expands, span }: Call, scope: Scope): Value {
  const lazy = scope.lazy !== undefined && Object.hasOwn(scope.lazy, name) ? scope.lazy[name] : undefined;
  if (lazy !== undefined) return lazy(args, scope, span);
  const values = args.map((arg) => evaluate(arg, scope));
  const last = expands ? values.pop() : undefined;
  if (last !== undefined) {
    if (!isList(last))
      throw bakeError(`cannot call ${name}(): what "..." follows is ${kindOf(last)}, and no list`, span);
    values.push(...last);
  }
  return placed(span, () => scope.call({ name, args: values, span }));
}

function unary({ operator, operand, span }: Extract<Expression, { kind: 'unary' }>, scope: Scope): Value {
  const value = evaluate(operand, scope);
  return placed(span, () => (operator === '-' ? -toNumber(value) : !toTruth(value)));
}

function binary({ operator, left, right, span }: Binary, scope: Scope): Value {
  const values = [evaluate(left, scope), evaluate(right, scope)] as const;
  return placed(span, () => compute(operator, values));
}

/** Both results are of one type in HCL; what goes wrong in the one that is not taken does not count. */
function conditional({ condition, yes, no }: Conditional, scope: Scope): Value {
  const value = evaluate(condition, scope);
  const taken = placed(condition.span, () => toTruth(value));
  const result = evaluate(taken ? yes : no, scope);
  const left = taken ? no : yes;
  return placed(left.span, () => unified(result, attempt(left, scope)));
}

function attempt(expression: Expression, scope: Scope): Value {
  try {
    return evaluate(expression, scope);
  } catch (error) {
    if (isTsbuildError(error, 'CONFIG_INVALID')) return null;
    throw error;
  }
}

function object(items: Extract<Expression, { kind: 'object' }>['items'], scope: Scope): Value {
  const map = new Map<string, Value>();
  for (const { key, value } of items) {
    const name = evaluate(key, scope);
    map.set(
      placed(key.span, () => toText(name)),
      evaluate(value, scope),
    );
  }
  return map;
}

function loop(expression: For, scope: Scope): Value {
  const { span, collection, joins } = expression;
  const over = evaluate(collection, scope);
  const rounds = roundsOf(over, collection.span);
  scope.budget.spend(rounds.length, span);
  const inner = rounds
    .map(([key, value]) => withVariables(scope, namesOf(expression, key, value)))
    .filter((round) => isTaken(expression, round));
  if (expression.key !== undefined) return mapOf(expression, expression.key, inner);
  if (joins) return inner.map((round) => joined([expression.value], round)).join('');
  return inner.map((round) => evaluate(expression.value, round));
}

function roundsOf(over: Value, span: Span): readonly (readonly [Value, Value])[] {
  if (isList(over)) return over.map((item, index) => [index, item] as const);
  if (isMap(over)) return entriesOf(over);
  throw bakeError(`cannot evaluate "for": it walks over lists and maps, not over ${shown(over)}`, span);
}

function namesOf({ keyName, valueName }: For, key: Value, value: Value): ReadonlyMap<string, Value> {
  return new Map([...(keyName === undefined ? [] : [[keyName, key] as const]), [valueName, value]]);
}

function isTaken({ condition }: For, scope: Scope): boolean {
  if (condition === undefined) return true;
  const value = evaluate(condition, scope);
  return placed(condition.span, () => toTruth(value));
}

function mapOf(expression: For, key: Expression, rounds: readonly Scope[]): Value {
  const map = new Map<string, Value>();
  const groups = new Map<string, Value[]>();
  for (const round of rounds) {
    const name = textAt(key, round);
    const value = evaluate(expression.value, round);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [value]);
    else group.push(value);
    if (map.has(name) && !expression.groups) {
      const hint = 'Write "..." behind the value to gather values of one key in a list.';
      throw bakeError(`cannot evaluate "for": two items have the key "${name}"`, key.span, hint);
    }
    map.set(name, value);
  }
  return expression.groups ? groups : map;
}

function textAt(expression: Expression, scope: Scope): string {
  const value = evaluate(expression, scope);
  return placed(expression.span, () => toText(value));
}
