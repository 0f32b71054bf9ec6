import type { Span } from '../bake-error.js';
import type { Value } from '../value.js';

/** An expression of HCL's native syntax (hcl/hclsyntax/spec.md), or what a JSON file has in its place. */
export type Expression =
  | { readonly kind: 'literal'; readonly span: Span; readonly value: Value }
  /** Text in pieces: each gives text, and so does the whole. */
  | { readonly kind: 'template'; readonly span: Span; readonly parts: readonly Expression[] }
  | { readonly kind: 'variable'; readonly span: Span; readonly name: string }
  | { readonly kind: 'attribute'; readonly span: Span; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly span: Span; readonly of: Expression; readonly key: Expression }
  /** What `each` gives of every item; the item is `item`. */
  | {
      readonly kind: 'splat';
      readonly span: Span;
      readonly of: Expression;
      readonly item: SplatItem;
      readonly each: Expression;
    }
  | SplatItem
  | Call
  | { readonly kind: 'unary'; readonly span: Span; readonly operator: '-' | '!'; readonly operand: Expression }
  | Binary
  | Conditional
  | { readonly kind: 'parentheses'; readonly span: Span; readonly inner: Expression }
  | { readonly kind: 'tuple'; readonly span: Span; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly span: Span; readonly items: readonly ObjectItem[] }
  | For;

export interface SplatItem {
  readonly kind: 'splat-item';
  readonly span: Span;
}

export interface Call {
  readonly kind: 'call';
  readonly span: Span;
  readonly name: string;
  readonly args: readonly Expression[];
  /** Whether the last argument is a list of arguments. */
  readonly expands: boolean;
}

export interface Conditional {
  readonly kind: 'conditional';
  readonly span: Span;
  readonly condition: Expression;
  readonly yes: Expression;
  readonly no: Expression;
}

export type BinaryOperator = '||' | '&&' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/' | '%';

export interface Binary {
  readonly kind: 'binary';
  readonly span: Span;
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export interface ObjectItem {
  readonly key: Expression;
  readonly value: Expression;
}

export interface For {
  readonly kind: 'for';
  readonly span: Span;
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  /** Given: the result is a map; else a list, or text within a template. */
  readonly key: Expression | undefined;
  readonly value: Expression;
  readonly condition: Expression | undefined;
  /** Whether values of one key are gathered in a list. */
  readonly groups: boolean;
  /** Whether the results are joined to text. */
  readonly joins: boolean;
}

export interface Attribute {
  readonly name: string;
  readonly value: Expression;
  /** Of the name. */
  readonly span: Span;
}

export interface Block {
  readonly type: string;
  readonly labels: readonly { readonly text: string; readonly span: Span }[];
  readonly body: Body;
  readonly span: Span;
}

export interface Body {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
}
