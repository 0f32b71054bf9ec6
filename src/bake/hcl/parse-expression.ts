import type { Span } from '../bake-error.js';
import type { Cursor } from './cursor.js';
import type { BinaryOperator, Expression, ObjectItem, SplatItem } from './expression.js';
import { parseHeredoc, parseQuoted } from './parse-template.js';

/** One level a row, loosest first (hcl/hclsyntax/spec.md, "Operators"). */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** The expression that begins here. @throws `CONFIG_INVALID` */
export function parseExpression(cursor: Cursor): Expression {
  return cursor.nested(() => {
    cursor.skipBlank();
    const start = cursor.offset;
    const condition = parseBinary(cursor, 0);
    if (!takeAfterBlank(cursor, '?')) return condition;
    const yes = parseExpression(cursor);
    cursor.skipBlank();
    cursor.expect(':', 'between the two results of "?"');
    const no = parseExpression(cursor);
    return { kind: 'conditional', span: cursor.span(start), condition, yes, no };
  });
}

function parseBinary(cursor: Cursor, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(cursor);
  cursor.skipBlank();
  const start = cursor.offset;
  let left = parseBinary(cursor, level + 1);
  for (;;) {
    const operator = takeOperator(cursor, operators);
    if (operator === undefined) return left;
    const right = parseBinary(cursor, level + 1);
    left = { kind: 'binary', span: cursor.span(start), operator, left, right };
  }
}

function takeOperator(cursor: Cursor, operators: readonly BinaryOperator[]): BinaryOperator | undefined {
  const before = cursor.offset;
  cursor.skipBlank();
  const found = operators.find((operator) => cursor.take(operator));
  if (found === undefined) cursor.offset = before;
  return found;
}

function parseUnary(cursor: Cursor): Expression {
  cursor.skipBlank();
  const start = cursor.offset;
  for (const operator of ['-', '!'] as const) {
    if (!cursor.take(operator)) continue;
    const operand = cursor.nested(() => parseUnary(cursor));
    return { kind: 'unary', span: cursor.span(start), operator, operand };
  }
  return parseTraversal(cursor, parseTerm(cursor));
}

/** What follows a term: attributes, indexes and splats. */
function parseTraversal(cursor: Cursor, term: Expression): Expression {
  let of = term;
  for (;;) {
    const before = cursor.offset;
    cursor.skipBlank();
    const next = cursor.startsWith('...') ? undefined : parseStep(cursor, of);
    if (next === undefined) {
      cursor.offset = before;
      return of;
    }
    of = next;
  }
}

function parseStep(cursor: Cursor, of: Expression): Expression | undefined {
  const { start } = of.span;
  if (cursor.take('[')) return parseIndex(cursor, of);
  if (!cursor.take('.')) return undefined;
  cursor.skipBlank();
  if (cursor.take('*')) return splat(cursor, of, (item) => parseAttributes(cursor, item));
  const number = cursor.match(/\d+/y);
  if (number !== undefined) {
    const key: Expression = {
      kind: 'literal',
      span: cursor.span(cursor.offset - number.length),
      value: Number(number),
    };
    return { kind: 'index', span: cursor.span(start), of, key };
  }
  const name = cursor.takeIdentifier();
  if (name === undefined) throw cursor.error('the name of an attribute is missing behind "."');
  return { kind: 'attribute', span: cursor.span(start), of, name };
}

function parseIndex(cursor: Cursor, of: Expression): Expression {
  if (/^\s*\*\s*\]/.test(cursor.source.text.slice(cursor.offset, cursor.offset + 40))) {
    cursor.match(/\s*\*\s*\]/y);
    return splat(cursor, of, (item) => parseTraversal(cursor, item));
  }
  const key = cursor.within(true, () => {
    const parsed = parseExpression(cursor);
    cursor.skipBlank();
    return parsed;
  });
  cursor.expect(']', 'behind the index');
  return { kind: 'index', span: cursor.span(of.span.start), of, key };
}

function splat(cursor: Cursor, of: Expression, parse: (item: SplatItem) => Expression): Expression {
  const item: SplatItem = { kind: 'splat-item', span: of.span };
  const each = parse(item);
  return { kind: 'splat', span: cursor.span(of.span.start), of, item, each };
}

/** Behind `.*` only attributes belong to each item. */
function parseAttributes(cursor: Cursor, item: Expression): Expression {
  let of = item;
  for (let found = cursor.match(/\.[\p{ID_Start}_][\p{ID_Continue}-]*/uy); found !== undefined;) {
    of = { kind: 'attribute', span: cursor.span(item.span.start), of, name: found.slice(1) };
    found = cursor.match(/\.[\p{ID_Start}_][\p{ID_Continue}-]*/uy);
  }
  return of;
}

const KEYWORDS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function parseTerm(cursor: Cursor): Expression {
  const start = cursor.offset;
  if (cursor.startsWith('"')) return parseQuoted(cursor);
  if (cursor.startsWith('<<')) return parseHeredoc(cursor);
  if (cursor.take('(')) return parseParentheses(cursor, start);
  if (cursor.take('[')) return parseTuple(cursor, start);
  if (cursor.take('{')) return parseObject(cursor, start);
  const number = cursor.match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
  if (number !== undefined) return { kind: 'literal', span: cursor.span(start), value: Number(number) };
  const name = cursor.takeIdentifier();
  if (name === undefined) throw cursor.error(`an expression is missing${found(cursor)}`, start);
  const keyword = KEYWORDS.get(name);
  if (keyword !== undefined) return { kind: 'literal', span: cursor.span(start), value: keyword };
  if (cursor.take('(')) return parseCall(cursor, name, start);
  return { kind: 'variable', span: cursor.span(start), name };
}

function found(cursor: Cursor): string {
  if (cursor.isAtEnd) return ': the file ends here';
  return /\s/.test(cursor.peek()) ? '' : `: "${cursor.peek()}" begins none`;
}

function parseParentheses(cursor: Cursor, start: number): Expression {
  const inner = cursor.within(true, () => {
    const parsed = parseExpression(cursor);
    cursor.skipBlank();
    return parsed;
  });
  cursor.expect(')', 'behind the expression');
  return { kind: 'parentheses', span: cursor.span(start), inner };
}

function parseTuple(cursor: Cursor, start: number): Expression {
  const items: Expression[] = [];
  const loop = cursor.within(true, () => {
    if (startsFor(cursor)) return parseFor(cursor, { start, end: ']' });
    while (!cursor.startsWith(']')) {
      items.push(parseExpression(cursor));
      if (!separated(cursor, ']')) break;
    }
    return undefined;
  });
  cursor.expect(']', 'behind the items of the list');
  if (loop !== undefined) return { ...loop, span: cursor.span(start) };
  return { kind: 'tuple', span: cursor.span(start), items };
}

/** Whether a comma says that another item may follow. */
function separated(cursor: Cursor, end: string): boolean {
  cursor.skipBlank();
  if (cursor.take(',')) {
    cursor.skipBlank();
    return true;
  }
  if (cursor.startsWith(end)) return false;
  throw cursor.error(`"," or "${end}" is missing`);
}

function parseCall(cursor: Cursor, name: string, start: number): Expression {
  const args: Expression[] = [];
  let expands = false;
  cursor.within(true, () => {
    while (!cursor.startsWith(')')) {
      args.push(parseExpression(cursor));
      cursor.skipBlank();
      expands = cursor.take('...');
      if (!separated(cursor, ')') || expands) break;
    }
  });
  cursor.expect(')', `behind the arguments of ${name}()`);
  return { kind: 'call', span: cursor.span(start), name, args, expands };
}

function parseObject(cursor: Cursor, start: number): Expression {
  const items: ObjectItem[] = [];
  const loop = cursor.within(true, () => {
    if (startsFor(cursor)) return parseFor(cursor, { start, end: '}' });
    while (!cursor.startsWith('}')) {
      items.push(parseItem(cursor));
      if (!endsItem(cursor)) break;
    }
    return undefined;
  });
  cursor.expect('}', 'behind the items of the map');
  if (loop !== undefined) return { ...loop, span: cursor.span(start) };
  return { kind: 'object', span: cursor.span(start), items };
}

/** Items are set apart by a comma or an end of line. @returns whether there may be more */
function endsItem(cursor: Cursor): boolean {
  const [before, line] = [cursor.offset, lineOf(cursor)];
  cursor.skipBlank();
  if (cursor.startsWith('}')) return false;
  const newLine = line !== lineOf(cursor);
  if (cursor.take(',') || newLine) {
    cursor.skipBlank();
    return true;
  }
  throw cursor.error('"," or a new line is missing between the items of the map', before);
}

function lineOf(cursor: Cursor): number {
  return cursor.source.range(cursor.span(cursor.offset)).start.line;
}

function parseItem(cursor: Cursor): ObjectItem {
  const key = parseKey(cursor);
  cursor.skipBlank();
  if (!cursor.take('=') && !cursor.take(':')) throw cursor.error('"=" is missing behind the key');
  const value = cursor.within(false, () => parseExpression(cursor));
  return { key, value };
}

/** A word alone is the key itself, and no variable. */
function parseKey(cursor: Cursor): Expression {
  const key = parseExpression(cursor);
  return key.kind === 'variable' ? { kind: 'literal', span: key.span, value: key.name } : key;
}

function startsFor(cursor: Cursor): boolean {
  return /^for\s+[\p{ID_Start}_]/u.test(cursor.source.text.slice(cursor.offset, cursor.offset + 200));
}

function parseFor(cursor: Cursor, { start, end }: { readonly start: number; readonly end: ']' | '}' }): Expression {
  const names = parseForNames(cursor);
  cursor.skipBlank();
  cursor.expect(':', 'behind what "for" walks over');
  let [key, value]: [Expression | undefined, Expression] = [undefined, parseExpression(cursor)];
  let groups = false;
  cursor.skipBlank();
  if (end === '}') {
    cursor.expect('=>', 'between key and value');
    [key, value] = [value, parseExpression(cursor)];
    cursor.skipBlank();
    groups = cursor.take('...');
    cursor.skipBlank();
  }
  const condition = takeWord(cursor, 'if') ? parseExpression(cursor) : undefined;
  cursor.skipBlank();
  return { kind: 'for', span: cursor.span(start), ...names, key, value, condition, groups, joins: false };
}

export interface ForNames {
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
}

/** From `for` to what it walks over, in lists, maps and templates. */
export function parseForNames(cursor: Cursor): ForNames {
  takeWord(cursor, 'for');
  cursor.skipBlank();
  const first = nameOf(cursor);
  cursor.skipBlank();
  let second: string | undefined;
  if (cursor.take(',')) {
    cursor.skipBlank();
    second = nameOf(cursor);
    cursor.skipBlank();
  }
  if (!takeWord(cursor, 'in')) throw cursor.error('"in" is missing behind the names of "for"');
  const collection = parseExpression(cursor);
  return { keyName: second === undefined ? undefined : first, valueName: second ?? first, collection };
}

function nameOf(cursor: Cursor): string {
  const name = cursor.takeIdentifier();
  if (name === undefined) throw cursor.error('a name is missing behind "for"');
  return name;
}

export function takeWord(cursor: Cursor, word: string): boolean {
  const before = cursor.offset;
  if (cursor.takeIdentifier() === word) return true;
  cursor.offset = before;
  return false;
}

function takeAfterBlank(cursor: Cursor, text: string): boolean {
  const before = cursor.offset;
  cursor.skipBlank();
  if (cursor.take(text)) return true;
  cursor.offset = before;
  return false;
}

/** A variable's name, where an expression is nothing but that. */
export function keywordOf(expression: Expression): { readonly name: string; readonly span: Span } | undefined {
  return expression.kind === 'variable' ? { name: expression.name, span: expression.span } : undefined;
}
