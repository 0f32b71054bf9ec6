import { Cursor } from './cursor.js';
import type { Attribute, Block, Body } from './expression.js';
import { parseExpression } from './parse-expression.js';
import type { SourceText } from '../source-text.js';

/** A file of HCL's native syntax. @throws `CONFIG_INVALID` */
export function parseHcl(source: SourceText): Body {
  const cursor = new Cursor(source);
  const body = parseBody(cursor);
  if (!cursor.isAtEnd) throw cursor.error('"}" closes nothing');
  return body;
}

function parseBody(cursor: Cursor): Body {
  const attributes = new Map<string, Attribute>();
  const blocks: Block[] = [];
  cursor.skipLines();
  while (!cursor.isAtEnd && !cursor.startsWith('}')) {
    const item = parseBodyItem(cursor);
    if ('body' in item) blocks.push(item);
    else if (attributes.has(item.name)) throw cursor.error(`"${item.name}" is set twice`, item.span.start);
    else attributes.set(item.name, item);
    cursor.skipLines();
  }
  return { attributes, blocks };
}

function parseBodyItem(cursor: Cursor): Attribute | Block {
  const start = cursor.offset;
  const name = cursor.takeIdentifier();
  if (name === undefined) throw cursor.error(`"${cursor.peek()}" begins neither an attribute nor a block`, start);
  const span = cursor.span(start);
  cursor.skipBlank();
  if (cursor.peek() === '=' && cursor.peek(1) !== '=') {
    cursor.take('=');
    const value = parseExpression(cursor);
    endLine(cursor, `the value of "${name}"`);
    return { name, value, span };
  }
  return cursor.nested(() => parseBlock(cursor, name, start));
}

function parseBlock(cursor: Cursor, type: string, start: number): Block {
  const labels: Block['labels'][number][] = [];
  cursor.skipBlank();
  while (!cursor.startsWith('{')) {
    labels.push(parseLabel(cursor, type));
    cursor.skipBlank();
  }
  const span = cursor.span(start);
  cursor.take('{');
  const body = parseBody(cursor);
  cursor.expect('}', `at the end of the ${type} that begins at line ${cursor.source.range(span).start.line}`);
  endLine(cursor, `the ${type}`);
  return { type, labels, body, span };
}

function parseLabel(cursor: Cursor, type: string): Block['labels'][number] {
  const start = cursor.offset;
  const text = cursor.match(/"[^"\\\n$%]*"/y)?.slice(1, -1) ?? cursor.takeIdentifier();
  if (text === undefined) {
    throw cursor.error(`"=" or "{" is missing behind "${type}"`, start);
  }
  return { text, span: cursor.span(start) };
}

/** Nothing but the end of the line, or of what is around it, may follow. */
function endLine(cursor: Cursor, what: string): void {
  cursor.skipBlank();
  if (cursor.isAtEnd || cursor.startsWith('}') || cursor.match(/\r?\n/y) !== undefined) return;
  throw cursor.error(`an end of line is missing behind ${what}`);
}
