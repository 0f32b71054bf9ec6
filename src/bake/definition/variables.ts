import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { parseGoBoolean } from '../../parser/go-boolean.js';
import { bakeError } from '../bake-error.js';
import { evaluate, placed } from '../evaluate/evaluate.js';
import type { Scope } from '../evaluate/scope.js';
import { convert, formatType, readTypeConstraint, toSet, type TypeConstraint } from '../evaluate/type-constraint.js';
import { goJson, valueOf } from '../functions/encoding-functions.js';
import type { Block, Expression } from '../hcl/expression.js';
import { isList, isMap, toText, ValueError, type Value } from '../value.js';
import { parseJson } from '../../support/parse-json.js';
import { checkMembers, labelOf } from './declared.js';

/** The value of a variable outside of the files: of `--var`, else of the environment. */
export type LookUp = (name: string) => string | undefined;

/** What `--list=variables` shows. */
export interface ListedVariable {
  readonly name: string;
  readonly description: string | undefined;
  readonly type: string | undefined;
  readonly value: string | undefined;
}

export function checkVariable(block: Block): void {
  const known = ['default', 'description', 'type'];
  checkMembers(block, { what: `variable "${labelOf(block)}"`, known, blocks: ['validation'] });
}

/** @throws `CONFIG_INVALID` */
export function typeOf({ body }: Block): TypeConstraint | undefined {
  const type = body.attributes.get('type')?.value;
  return type === undefined || (type.kind === 'literal' && type.value === null) ? undefined : readTypeConstraint(type);
}

/** What a variable is: what it is given from outside, else its default, else empty text (null with a type). @throws `CONFIG_INVALID` */
export function variableValue(block: Block, scope: Scope, lookUp: LookUp): Value {
  const [name, type] = [labelOf(block), typeOf(block)];
  const expression = block.body.attributes.get('default')?.value;
  const span = expression?.span ?? block.span;
  const usual = usualValue(expression, type, scope);
  try {
    return givenValue(name, { type, usual, lookUp }) ?? usual;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw bakeError(`cannot set variable "${name}": ${error.message}`, span, error.hint);
  }
}

function usualValue(expression: Expression | undefined, type: TypeConstraint | undefined, scope: Scope): Value {
  if (expression === undefined) return type === undefined ? '' : null;
  const value = evaluate(expression, scope);
  return type === undefined ? value : placed(expression.span, () => convert(value, type));
}

/** With a type, the variable that has `_JSON` behind its name comes first. */
function givenValue(
  name: string,
  {
    type,
    usual,
    lookUp,
  }: { readonly type: TypeConstraint | undefined; readonly usual: Value; readonly lookUp: LookUp },
): Value | undefined {
  const [text, json] = [lookUp(name), lookUp(`${name}_JSON`)];
  if (type !== undefined && json !== undefined) return convert(valueOf(parsedJson(json)), type);
  const given = text ?? json;
  if (given === undefined) return undefined;
  if (type !== undefined && type.kind !== 'any') return ofType(given, type);
  return likeUsual(given, usual);
}

function parsedJson(text: string): unknown {
  const parsed = parseJson(text);
  if (parsed !== undefined) return parsed;
  throw new ValueError(`${JSON.stringify(text)} is no JSON`);
}

/** Without a type, the default says what is wanted. */
function likeUsual(text: string, usual: Value): Value {
  if (typeof usual === 'boolean') return simple(text, 'bool');
  if (typeof usual === 'number') return simple(text, 'number');
  if (!isList(usual) && !isMap(usual)) return text;
  throw new ValueError('its default is no simple value', 'Give the variable a type, as list(string).');
}

function simple(text: string, kind: TypeConstraint['kind']): Value {
  if (kind === 'string' || kind === 'any') return text;
  if (kind === 'bool') {
    const truth = parseGoBoolean(text);
    if (truth === undefined) throw new ValueError(`"${text}" is neither true nor false`);
    return truth;
  }
  const number = Number(text);
  if (kind === 'number' && text.trim() !== '' && Number.isFinite(number)) return number;
  throw new ValueError(kind === 'number' ? `"${text}" is no number` : `a ${kind} within it cannot be given as CSV`);
}

/** Collections are a line of CSV; those of a map are `key:value`. */
function ofType(text: string, type: TypeConstraint): Value {
  switch (type.kind) {
    case 'list':
      return fieldsOf(text).map((field) => simple(field, type.item.kind));
    case 'set':
      return toSet(fieldsOf(text).map((field) => simple(field, type.item.kind)));
    case 'tuple':
      return tupleOf(fieldsOf(text), type.items);
    case 'map':
      return new Map(fieldsOf(text).map((field) => pairOf(field, type.item.kind)));
    case 'object':
      throw new ValueError(
        'an object cannot be given as text',
        'Give it as JSON, by the variable with _JSON at its end.',
      );
    default:
      return simple(text, type.kind);
  }
}

function fieldsOf(text: string): readonly string[] {
  const fields = readCsvFields(text);
  if (fields === undefined) throw new ValueError(`"${text}" is no line of CSV`);
  return fields.map((field) => field.text);
}

function tupleOf(fields: readonly string[], types: readonly TypeConstraint[]): Value {
  if (fields.length !== types.length) throw new ValueError(`it has ${types.length} items, not ${fields.length}`);
  return fields.map((field, index) => simple(field, types[index]?.kind ?? 'any'));
}

function pairOf(field: string, kind: TypeConstraint['kind']): readonly [string, Value] {
  const [key = '', value, more] = field.split(':');
  if (value === undefined || more !== undefined) throw new ValueError(`"${field}" is not of the form key:value`);
  return [key, simple(value, kind)];
}

/** @throws `CONFIG_INVALID` with the message of the first `validation` that does not hold */
export function validateVariable(block: Block, scope: Scope): void {
  for (const validation of block.body.blocks) {
    checkMembers(validation, { what: 'a validation', known: ['condition', 'error_message'] });
    const condition = validation.body.attributes.get('condition')?.value;
    if (condition === undefined) throw bakeError('cannot read a validation: it has no condition', validation.span);
    const holds = evaluate(condition, scope);
    if (placed(condition.span, () => holds === true || holds === 'true' || refuseNoTruth(holds))) continue;
    const message = validation.body.attributes.get('error_message')?.value;
    const told = message === undefined ? 'a check fails' : evaluate(message, scope);
    throw bakeError(
      `cannot use variable "${labelOf(block)}": ${placed(condition.span, () => toText(told))}`,
      condition.span,
    );
  }
}

function refuseNoTruth(value: Value): boolean {
  if (value === false || value === 'false') return false;
  throw new ValueError('a condition is true or false');
}

export function listVariable(block: Block, value: Value): ListedVariable {
  const type = typeOf(block);
  const description = block.body.attributes.get('description')?.value;
  return {
    name: labelOf(block),
    description: description?.kind === 'literal' ? toText(description.value) : undefined,
    type: type === undefined ? undefined : formatType(type),
    value: value === null ? undefined : isList(value) || isMap(value) ? goJson(value) : toText(value),
  };
}
