import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document } from 'yaml';
import { bakeError, type Span } from '../bake-error.js';
import type { JsonMember, JsonNode } from '../json/parse-json.js';
import type { SourceText } from '../source-text.js';

/** Aliases can make a small file a huge one. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 200;

/** A YAML document, with what aliases and merge keys stand for in their places. @throws `CONFIG_INVALID` */
export function parseYaml(source: SourceText): JsonNode {
  const document = parseDocument(source.text, {
    merge: true,
    uniqueKeys: true,
    logLevel: 'silent',
    prettyErrors: false,
  });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const [start, end] = problem.pos;
    throw bakeError(`cannot parse "${source.name}": ${lowerFirst(problem.message)}`, { source, start, end });
  }
  return new Conversion(source, document).node(document.contents, 0);
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, '');
}

class Conversion {
  readonly #source: SourceText;
  readonly #document: Document;
  #left = MAX_NODES;

  constructor(source: SourceText, document: Document) {
    this.#source = source;
    this.#document = document;
  }

  node(node: unknown, depth: number): JsonNode {
    const span = this.#spanOf(node);
    this.#left -= 1;
    if (this.#left < 0 || depth > MAX_DEPTH)
      throw bakeError(`cannot parse "${this.#source.name}": it is too large`, span);
    if (isAlias(node)) return this.node(node.resolve(this.#document), depth + 1);
    if (isMap(node)) {
      const members = node.items.flatMap(({ key, value }) => this.#members(key, value, depth + 1));
      return { kind: 'object', span, members: lastOfEach(members) };
    }
    if (isSeq(node)) return { kind: 'array', span, items: node.items.map((item) => this.node(item, depth + 1)) };
    return scalarNode(node, span);
  }

  /** A merge key gives members that those beside it hide. */
  #members(key: unknown, value: unknown, depth: number): readonly JsonMember[] {
    const name = isScalar(key) ? String(key.value) : undefined;
    const span = this.#spanOf(key);
    if (name === undefined) throw bakeError(`cannot parse "${this.#source.name}": a key is no text`, span);
    const node = this.node(value, depth);
    if (name !== '<<') return [{ name, span, value: node }];
    const merged = node.kind === 'array' ? node.items.toReversed() : [node];
    return merged.flatMap((one) =>
      one.kind === 'object' ? one.members.map((member) => ({ ...member, isMerged: true })) : [],
    );
  }

  #spanOf(node: unknown): Span {
    const range =
      typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | null) : null;
    const [start = 0, end = 0] = range ?? [];
    return { source: this.#source, start, end };
  }
}

function scalarNode(node: unknown, span: Span): JsonNode {
  if (!isScalar(node) || node.value === null || node.value === undefined) return { kind: 'scalar', span, value: null };
  const { value } = node;
  if (typeof value === 'boolean') return { kind: 'scalar', span, value };
  if (typeof value === 'string') return { kind: 'string', span, text: value };
  // As it is written: 1.10 is a version more often than a number.
  return { kind: 'string', span, text: node.source ?? JSON.stringify(value) };
}

function lastOfEach(members: readonly (JsonMember & { readonly isMerged?: boolean })[]): readonly JsonMember[] {
  const kept = new Map<string, JsonMember & { readonly isMerged?: boolean }>();
  for (const member of members) {
    const known = kept.get(member.name);
    if (known === undefined || known.isMerged === true || member.isMerged !== true) kept.set(member.name, member);
  }
  return [...kept.values()].map(({ name, span, value }) => ({ name, span, value }));
}
