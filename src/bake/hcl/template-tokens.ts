import { bakeError, type Span } from '../bake-error.js';
import type { Expression } from './expression.js';
import type { ForNames } from './parse-expression.js';

interface Marked {
  /** Whether blanks before and behind are dropped. */
  readonly trimsBefore: boolean;
  readonly trimsAfter: boolean;
  readonly span: Span;
}

/** A piece of a template, before what belongs to what is known. */
export type Token =
  | { readonly kind: 'literal'; readonly text: string; readonly span: Span }
  | (Marked & { readonly kind: 'expression'; readonly expression: Expression })
  | (Marked & { readonly kind: 'if'; readonly condition: Expression })
  | (Marked & { readonly kind: 'for'; readonly names: ForNames })
  | (Marked & { readonly kind: 'else' | 'endif' | 'endfor' });

/** An expression that is all there is keeps its kind; everything else is text. */
export function assembleTemplate(given: readonly Token[], span: Span): Expression {
  const tokens = trimmed(given);
  const [only, ...others] = tokens;
  if (only === undefined) return { kind: 'literal', span, value: '' };
  if (others.length === 0 && only.kind === 'expression') return { kind: 'parentheses', span, inner: only.expression };
  if (tokens.every((token) => token.kind === 'literal')) {
    return { kind: 'literal', span, value: tokens.map(({ text }) => text).join('') };
  }
  const rest = tokens.toReversed();
  const template = readParts(rest, span);
  const surplus = rest.at(-1);
  if (surplus !== undefined) throw misplaced(surplus);
  return template;
}

function trimmed(tokens: readonly Token[]): readonly Token[] {
  const kept = tokens.map((token, index): Token => {
    if (token.kind !== 'literal') return token;
    let { text } = token;
    if (trimsOn(tokens, index, -1)) text = text.trimStart();
    if (trimsOn(tokens, index, 1)) text = text.trimEnd();
    return { ...token, text };
  });
  return kept.filter((token) => token.kind !== 'literal' || token.text !== '');
}

/** Whether what comes next to literal text trims it; blank lines between are literals of their own. */
function trimsOn(tokens: readonly Token[], index: number, step: 1 | -1): boolean {
  let at = index + step;
  for (let token = tokens[at]; token?.kind === 'literal'; token = tokens[at]) {
    if (token.text.trim() !== '') return false;
    at += step;
  }
  const marked = tokens[at];
  if (marked === undefined || marked.kind === 'literal') return false;
  return step === 1 ? marked.trimsBefore : marked.trimsAfter;
}

/** Up to what ends the directive that the parts stand in. */
function readParts(rest: Token[], span: Span): Expression {
  const parts: Expression[] = [];
  for (let token = rest.at(-1); token !== undefined; token = rest.at(-1)) {
    if (token.kind === 'else' || token.kind === 'endif' || token.kind === 'endfor') break;
    rest.pop();
    parts.push(partOf(token, rest));
  }
  return { kind: 'template', span, parts };
}

function partOf(token: Token, rest: Token[]): Expression {
  const { span } = token;
  switch (token.kind) {
    case 'literal':
      return { kind: 'literal', span, value: token.text };
    case 'expression':
      return token.expression;
    case 'if': {
      const yes = readParts(rest, span);
      const no: Expression = takeKind(rest, 'else') ? readParts(rest, span) : { kind: 'literal', span, value: '' };
      if (!takeKind(rest, 'endif')) throw bakeError('cannot parse a template: "%{if}" has no "%{endif}"', span);
      return { kind: 'conditional', span, condition: token.condition, yes, no };
    }
    case 'for': {
      const value = readParts(rest, span);
      if (!takeKind(rest, 'endfor')) throw bakeError('cannot parse a template: "%{for}" has no "%{endfor}"', span);
      return {
        kind: 'for',
        span,
        ...token.names,
        key: undefined,
        value,
        condition: undefined,
        groups: false,
        joins: true,
      };
    }
    case 'else':
    case 'endif':
    case 'endfor':
      throw misplaced(token);
  }
}

function takeKind(rest: Token[], kind: Token['kind']): boolean {
  if (rest.at(-1)?.kind !== kind) return false;
  rest.pop();
  return true;
}

function misplaced({ kind, span }: Token): Error {
  return bakeError(`cannot parse a template: "%{${kind}}" ends nothing`, span);
}
