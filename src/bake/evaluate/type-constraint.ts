import { bakeError } from '../bake-error.js';
import { Cursor } from '../hcl/cursor.js';
import type { Expression } from '../hcl/expression.js';
import { parseExpression } from '../hcl/parse-expression.js';
import { SourceText } from '../source-text.js';
import {
  entriesOf,
  isEqual,
  isList,
  isMap,
  kindOf,
  toNumber,
  toText,
  toTruth,
  ValueError,
  type Value,
} from '../value.js';

/** What a variable may be: `string`, `list(number)`, `object({name = string})`. */
export type TypeConstraint =
  | { readonly kind: 'any' | 'string' | 'number' | 'bool' }
  | { readonly kind: 'list' | 'set' | 'map'; readonly item: TypeConstraint }
  | { readonly kind: 'tuple'; readonly items: readonly TypeConstraint[] }
  | {
      readonly kind: 'object';
      readonly attributes: ReadonlyMap<string, { readonly type: TypeConstraint; readonly isOptional: boolean }>;
    };

const HINT = 'Types are string, number, bool, any, list(…), set(…), map(…), tuple([…]) and object({…}).';

/** @throws `CONFIG_INVALID` */
export function readTypeConstraint(expression: Expression): TypeConstraint {
  const { span } = expression;
  if (expression.kind === 'literal' && typeof expression.value === 'string') {
    // A JSON file has the type in quotes.
    const inner = parseExpression(new Cursor(new SourceText(span.source.name, expression.value)));
    return readTypeConstraint(atSpan(inner, span));
  }
  if (expression.kind === 'variable') {
    const { name } = expression;
    if (name === 'any' || name === 'string' || name === 'number' || name === 'bool') return { kind: name };
    if (name === 'list' || name === 'set' || name === 'map') return { kind: name, item: { kind: 'any' } };
  }
  if (expression.kind === 'call') return compound(expression);
  throw bakeError('cannot read the type of a variable: there is no such type', span, HINT);
}

function atSpan(expression: Expression, span: Expression['span']): Expression {
  return { ...expression, span };
}

function compound({ name, args, span }: Extract<Expression, { kind: 'call' }>): TypeConstraint {
  const [arg] = args;
  if (arg !== undefined && args.length === 1) {
    if (name === 'list' || name === 'set' || name === 'map') return { kind: name, item: readTypeConstraint(arg) };
    if (name === 'tuple' && arg.kind === 'tuple') return { kind: 'tuple', items: arg.items.map(readTypeConstraint) };
    if (name === 'object' && arg.kind === 'object') return objectType(arg);
  }
  throw bakeError(`cannot read the type of a variable: "${name}(…)" is no type`, span, HINT);
}

function objectType({ items }: Extract<Expression, { kind: 'object' }>): TypeConstraint {
  const attributes = items.map(({ key, value }) => {
    if (key.kind !== 'literal') throw bakeError('cannot read the type of an object: a name is no expression', key.span);
    const isOptional = value.kind === 'call' && value.name === 'optional';
    const [inner] = isOptional ? value.args : [value];
    if (inner === undefined) throw bakeError('cannot read the type of an object: optional() is of a type', value.span);
    return [toText(key.value), { type: readTypeConstraint(inner), isOptional }] as const;
  });
  return { kind: 'object', attributes: new Map(attributes) };
}

/** As `list of string`, which is how lists of variables show it. */
export function formatType(type: TypeConstraint): string {
  switch (type.kind) {
    case 'any':
      return 'any type';
    case 'list':
    case 'set':
    case 'map':
      return `${type.kind} of ${formatType(type.item)}`;
    case 'string':
    case 'number':
    case 'bool':
    case 'tuple':
    case 'object':
      return type.kind;
  }
}

/** @throws `ValueError` */
export function convert(value: Value, type: TypeConstraint): Value {
  if (value === null) return null;
  switch (type.kind) {
    case 'any':
      return value;
    case 'string':
      return toText(value);
    case 'number':
      return toNumber(value);
    case 'bool':
      return toTruth(value);
    case 'list':
      return listOf(value).map((item) => convert(item, type.item));
    case 'set':
      return toSet(listOf(value).map((item) => convert(item, type.item)));
    case 'map':
      return new Map([...mapOf(value)].map(([key, item]) => [key, convert(item, type.item)]));
    case 'tuple':
      return toTuple(listOf(value), type.items);
    case 'object':
      return toObject(mapOf(value), type.attributes);
  }
}

function listOf(value: Value): readonly Value[] {
  if (isList(value)) return value;
  throw new ValueError(`a list is wanted, not ${kindOf(value)}`);
}

function mapOf(value: Value): ReadonlyMap<string, Value> {
  if (isMap(value)) return value;
  throw new ValueError(`a map is wanted, not ${kindOf(value)}`);
}

/** Sorted and without duplicates: sets have no order of their own. */
export function toSet(items: readonly Value[]): readonly Value[] {
  const kept: Value[] = [];
  for (const item of items) if (!kept.some((one) => isEqual(one, item))) kept.push(item);
  return kept.sort((left, right) => {
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return orderOf(left) < orderOf(right) ? -1 : 1;
  });
}

function orderOf(value: Value): string {
  return isList(value) || isMap(value) ? JSON.stringify(plain(value)) : String(value);
}

/** As JSON has it; maps are sorted by their keys. */
export function plain(value: Value): unknown {
  if (isList(value)) return value.map(plain);
  return isMap(value) ? Object.fromEntries(entriesOf(value).map(([key, item]) => [key, plain(item)])) : value;
}

function toTuple(items: readonly Value[], types: readonly TypeConstraint[]): Value {
  if (items.length !== types.length) throw new ValueError(`${types.length} items are wanted, not ${items.length}`);
  return items.map((item, index) => convert(item, types[index] ?? { kind: 'any' }));
}

function toObject(
  map: ReadonlyMap<string, Value>,
  attributes: Extract<TypeConstraint, { kind: 'object' }>['attributes'],
): Value {
  const entries = [...attributes].map(([name, { type, isOptional }]): readonly [string, Value] => {
    const value = map.get(name);
    if (value === undefined && !isOptional) throw new ValueError(`the attribute "${name}" is missing`);
    return [name, convert(value ?? null, type)];
  });
  return new Map(entries);
}
