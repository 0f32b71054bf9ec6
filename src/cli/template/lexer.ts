import { templateError } from './template-error.js';

export type WordKind = 'name' | 'field' | 'dot' | 'variable' | 'literal' | 'mark';

/** A lexical element of what stands between braces. */
export interface Word {
  readonly kind: WordKind;
  readonly text: string;
  /** Of a literal. */
  readonly value?: string | number;
  /** Whether it follows the one before at once: `.A.B` is one operand, `.A .B` are two. */
  readonly joined: boolean;
}

/** Text as it is, or what stands between a pair of braces. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly words: readonly Word[] };

/** Braces within quotes and comments do not end an action. */
const ACTION =
  /\{\{-?\s*\/\*[\s\S]*?\*\/\s*-?\}\}|\{\{(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|(?!\}\})[\s\S])*\}\}/g;
const COMMENT = /^-?\s*\/\*[\s\S]*\*\/\s*-?$/;
const RULES: readonly (readonly [WordKind | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['literal', /"(?:[^"\\\n]|\\.)*"|`[^`]*`|[+-]?\d+(?:\.\d+)?/y],
  ['variable', /\$\w*/y],
  ['field', /\.[A-Za-z_]\w*/y],
  ['dot', /\./y],
  ['name', /[A-Za-z_]\w*/y],
  ['mark', /:=|[|(),=]/y],
];

/**
 * A template of Go's text/template in its segments, with `{{-` and `-}}` applied to the text around them.
 * @throws `USAGE`
 */
export function segmentsOf(template: string): readonly Segment[] {
  const segments: Segment[] = [];
  let [end, trims] = [0, false];
  const addText = (text: string): void => {
    if (text.includes('{{')) throw templateError(text, 'its braces are not closed');
    if (text !== '') segments.push({ kind: 'text', text });
  };
  for (const match of template.matchAll(ACTION)) {
    const [source] = match;
    const inner = source.slice(2, -2);
    const before = template.slice(end, match.index);
    const [trimmed, inside] = /^-\s/.test(inner) ? [before.trimEnd(), inner.slice(1)] : [before, inner];
    addText(trims ? trimmed.trimStart() : trimmed);
    trims = /\s-$/.test(inside);
    if (!COMMENT.test(inner)) {
      segments.push({ kind: 'action', source, words: wordsOf(trims ? inside.slice(0, -1) : inside, source) });
    }
    end = match.index + source.length;
  }
  const rest = template.slice(end);
  addText(trims ? rest.trimStart() : rest);
  return segments;
}

function wordsOf(text: string, source: string): readonly Word[] {
  const words: Word[] = [];
  let joined = false;
  for (let at = 0; at < text.length;) {
    const found = matchAt(text, at);
    if (found === undefined) throw templateError(source, `"${text.slice(at, at + 1)}" has no meaning there`);
    at += found.text.length;
    if (found.kind !== 'space') words.push({ ...found, kind: found.kind, joined, ...valueOf(found, source) });
    joined = found.kind !== 'space';
  }
  return words;
}

function matchAt(text: string, at: number): { readonly kind: WordKind | 'space'; readonly text: string } | undefined {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const match = rule.exec(text);
    if (match !== null) return { kind, text: match[0] };
  }
  return undefined;
}

function valueOf(
  { kind, text }: { readonly kind: WordKind | 'space'; readonly text: string },
  source: string,
): { readonly value?: string | number } {
  if (kind !== 'literal') return {};
  if (text.startsWith('`')) return { value: text.slice(1, -1) };
  if (!text.startsWith('"')) return { value: Number(text) };
  try {
    return { value: JSON.parse(text) as string };
  } catch (cause) {
    if (cause instanceof SyntaxError) throw templateError(source, `${text} has an unknown escape`);
    throw cause;
  }
}
