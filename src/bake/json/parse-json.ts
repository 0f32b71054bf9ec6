import type { Span } from '../bake-error.js';
import { Cursor } from '../hcl/cursor.js';
import type { SourceText } from '../source-text.js';

/** JSON that knows where each of its values stands. */
export type JsonNode =
  | { readonly kind: 'scalar'; readonly span: Span; readonly value: null | boolean | number }
  | { readonly kind: 'string'; readonly span: Span; readonly text: string }
  | { readonly kind: 'array'; readonly span: Span; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly span: Span; readonly members: readonly JsonMember[] };

export interface JsonMember {
  readonly name: string;
  readonly span: Span;
  readonly value: JsonNode;
}

/** @throws `CONFIG_INVALID` */
export function parseJsonText(source: SourceText): JsonNode {
  const cursor = new Cursor(source);
  skip(cursor);
  const node = parseNode(cursor);
  skip(cursor);
  if (!cursor.isAtEnd) throw cursor.error('something follows the end of the JSON value');
  return node;
}

/** RFC 8259, 2; a byte order mark is passed over. */
function skip(cursor: Cursor): void {
  cursor.match(/[ \t\r\n\uFEFF]+/y);
}

function parseNode(cursor: Cursor): JsonNode {
  return cursor.nested(() => {
    const start = cursor.offset;
    if (cursor.take('{')) return parseObject(cursor, start);
    if (cursor.take('[')) return parseArray(cursor, start);
    if (cursor.startsWith('"')) return { kind: 'string', text: parseString(cursor), span: cursor.span(start) };
    const word = cursor.match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y);
    if (word === undefined) throw cursor.error('a JSON value is missing');
    return { kind: 'scalar', value: JSON.parse(word) as null | boolean | number, span: cursor.span(start) };
  });
}

function parseObject(cursor: Cursor, start: number): JsonNode {
  const members: JsonMember[] = [];
  skip(cursor);
  while (!cursor.take('}')) {
    const nameStart = cursor.offset;
    if (!cursor.startsWith('"')) throw cursor.error('a name in quotes is missing');
    const name = parseString(cursor);
    const span = cursor.span(nameStart);
    skip(cursor);
    cursor.expect(':', `behind "${name}"`);
    skip(cursor);
    members.push({ name, span, value: parseNode(cursor) });
    endItem(cursor, '}');
  }
  return { kind: 'object', members, span: cursor.span(start) };
}

function parseArray(cursor: Cursor, start: number): JsonNode {
  const items: JsonNode[] = [];
  skip(cursor);
  while (!cursor.take(']')) {
    items.push(parseNode(cursor));
    endItem(cursor, ']');
  }
  return { kind: 'array', items, span: cursor.span(start) };
}

function endItem(cursor: Cursor, end: string): void {
  skip(cursor);
  if (cursor.startsWith(end)) return;
  const start = cursor.offset;
  cursor.expect(',', `or "${end}"`);
  skip(cursor);
  if (cursor.startsWith(end)) throw cursor.error('a comma has nothing behind it', start);
}

function parseString(cursor: Cursor): string {
  const start = cursor.offset;
  // RFC 8259, 7: control characters must be escaped.
  const raw = cursor.match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
  if (raw === undefined)
    throw cursor.error('the text in quotes has no end, or an escape that JSON does not have', start);
  return JSON.parse(raw) as string;
}
