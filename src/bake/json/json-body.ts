import { bakeError } from '../bake-error.js';
import type { Attribute, Block, Body, Expression } from '../hcl/expression.js';
import { parseTemplateText } from '../hcl/parse-template.js';
import { SourceText } from '../source-text.js';
import { parseJsonText, type JsonMember, type JsonNode } from './parse-json.js';

/** Members of a JSON file that are blocks, by the kind of body they stand in; the others are attributes. */
const BLOCKS: ReadonlySet<string> = new Set(['target', 'group', 'variable', 'function']);
const BLOCKS_OF_VARIABLE: ReadonlySet<string> = new Set(['validation']);

/** A definition in JSON as the same in HCL (hcl/json/spec.md). @throws `CONFIG_INVALID` */
export function parseJsonBody(source: SourceText): Body {
  const root = parseJsonText(source);
  const blocks: Block[] = [];
  const attributes = new Map<string, Attribute>();
  for (const member of membersOf(root, `the file "${source.name}"`)) {
    if (BLOCKS.has(member.name)) blocks.push(...labeledBlocks(member));
    else addAttribute(attributes, member);
  }
  return { attributes, blocks };
}

/** `"target": {"app": {…}}`: each name with one body, or a list of them. */
function labeledBlocks({ name: type, value }: JsonMember): readonly Block[] {
  return each(value).flatMap((labels) =>
    membersOf(labels, `"${type}"`).flatMap(({ name, span, value: bodies }) =>
      each(bodies).map((body): Block => ({ type, labels: [{ text: name, span }], body: bodyOf(body, type), span })),
    ),
  );
}

function bodyOf(node: JsonNode, type: string): Body {
  const attributes = new Map<string, Attribute>();
  const blocks: Block[] = [];
  const inner = type === 'variable' ? BLOCKS_OF_VARIABLE : new Set<string>();
  for (const member of membersOf(node, `a ${type}`)) {
    if (!inner.has(member.name)) addAttribute(attributes, member);
    else {
      const { name, span } = member;
      blocks.push(...each(member.value).map((body) => ({ type: name, labels: [], body: bodyOf(body, name), span })));
    }
  }
  return { attributes, blocks };
}

function addAttribute(attributes: Map<string, Attribute>, { name, span, value }: JsonMember): void {
  // hcl/json/spec.md, "Bodies": such a member is a comment.
  if (name === '//') return;
  if (attributes.has(name)) throw bakeError(`cannot parse "${span.source.name}": "${name}" is set twice`, span);
  attributes.set(name, { name, span, value: expressionOf(value) });
}

function each(node: JsonNode): readonly JsonNode[] {
  return node.kind === 'array' ? node.items : [node];
}

function membersOf(node: JsonNode, what: string): readonly JsonMember[] {
  if (node.kind === 'object') return node.members;
  const { source } = node.span;
  throw bakeError(`cannot parse "${source.name}": an object is wanted for ${what}`, node.span);
}

/** Strings are templates, the names of members too. */
function expressionOf(node: JsonNode): Expression {
  const { span } = node;
  switch (node.kind) {
    case 'scalar':
      return { kind: 'literal', span, value: node.value };
    case 'string':
      return templateOf(node.text, span);
    case 'array':
      return { kind: 'tuple', span, items: node.items.map(expressionOf) };
    case 'object':
      return {
        kind: 'object',
        span,
        items: node.members.map((member) => ({
          key: templateOf(member.name, member.span),
          value: expressionOf(member.value),
        })),
      };
  }
}

/** A mistake in a template is shown at the string that it is in. */
function templateOf(text: string, span: Expression['span']): Expression {
  if (!/[$%]\{/.test(text)) return { kind: 'literal', span, value: text };
  return withSpan(parseTemplateText(new SourceText(span.source.name, text, span.source.range(span))), span);
}

function withSpan(expression: Expression, span: Expression['span']): Expression {
  return { ...expression, span };
}
