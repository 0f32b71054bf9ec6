/** A value of its own: by the path of its members, from what the braces are about, from a variable, or from a pipeline. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'dot'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** A function with its arguments, or an operand alone. */
export type Call =
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'function'; readonly name: string; readonly operands: readonly (Operand | FunctionName)[] };

/** A function without arguments, as an argument. */
export interface FunctionName {
  readonly kind: 'call';
  readonly name: string;
}

/** Calls, each of which has the result of the one before as its last argument. */
export interface Pipeline {
  /** With the dollar. Two only for `range`: index and element. */
  readonly variables: readonly string[];
  /** Whether the variables are new ones (`:=`). */
  readonly declares: boolean;
  readonly calls: readonly Call[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline; readonly source: string }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly source: string;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' };

export type Template = readonly Node[];
