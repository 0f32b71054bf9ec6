import { bakeError } from '../bake-error.js';
import type { JsonMember, JsonNode } from '../json/parse-json.js';
import { interpolate, InterpolationError, type Variables } from './interpolate.js';

/** The document with variables in their places; names of members stay as they are. @throws `CONFIG_INVALID` */
export function interpolated(node: JsonNode, variables: Variables): JsonNode {
  switch (node.kind) {
    case 'scalar':
      return node;
    case 'string':
      return { ...node, text: expanded(node, variables) };
    case 'array':
      return { ...node, items: node.items.map((item) => interpolated(item, variables)) };
    case 'object':
      return { ...node, members: node.members.map((one) => ({ ...one, value: interpolated(one.value, variables) })) };
  }
}

function expanded({ text, span }: Extract<JsonNode, { kind: 'string' }>, variables: Variables): string {
  try {
    return interpolate(text, variables);
  } catch (error) {
    if (!(error instanceof InterpolationError)) throw error;
    throw wrong(span, error.message);
  }
}

export function wrong(span: JsonNode['span'], state: string, hint?: string): Error {
  return bakeError(`cannot read "${span.source.name}": ${state}`, span, hint);
}

export function membersOf(node: JsonNode | undefined, what: string): readonly JsonMember[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind === 'object') return node.members;
  throw wrong(node.span, `${what} is no map`);
}

export function memberOf(node: JsonNode | undefined, name: string): JsonNode | undefined {
  if (node?.kind !== 'object') return undefined;
  const found = node.members.find((member) => member.name === name)?.value;
  return found?.kind === 'scalar' && found.value === null ? undefined : found;
}

export function textAt(node: JsonNode | undefined, what: string): string | undefined {
  if (node === undefined) return undefined;
  if (node.kind === 'string') return node.text;
  if (node.kind === 'scalar') return node.value === null ? undefined : String(node.value);
  throw wrong(node.span, `${what} is no text`);
}

export function truthAt(node: JsonNode | undefined, what: string): boolean | undefined {
  const text = textAt(node, what);
  if (node === undefined || text === undefined) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw wrong(node.span, `${what} is neither true nor false`);
}

/** A list, or one text alone. */
export function textsAt(node: JsonNode | undefined, what: string): readonly string[] {
  if (node === undefined) return [];
  if (node.kind !== 'array') return [textAt(node, what) ?? ''];
  return node.items.map((item) => textAt(item, `an item of ${what}`) ?? '');
}

/** A map, or a list of `name=value`; `null` where only a name is given. */
export function pairsAt(
  node: JsonNode | undefined,
  what: string,
  separators?: RegExp,
): readonly (readonly [string, string | null])[] {
  if (node === undefined) return [];
  if (node.kind !== 'array')
    return membersOf(node, what).map(({ name, value }) => [name, textAt(value, `"${name}" of ${what}`) ?? null]);
  return textsAt(node, what).map((text) => {
    const at = text.search(separators ?? /=/);
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  });
}
