import type { Span } from '../bake-error.js';
import { bakeError } from '../bake-error.js';
import type { Expression } from '../hcl/expression.js';
import type { Value } from '../value.js';

/** How much one evaluation may do: a file can grow text exponentially with a few lines. */
const MAX_STEPS = 2_000_000;

/** Counts what evaluating does, over all expressions of a call. */
export class Budget {
  #left = MAX_STEPS;

  /** @throws `CONFIG_INVALID` when it is used up */
  spend(count: number, span: Span): void {
    this.#left -= count;
    if (this.#left >= 0) return;
    throw bakeError('cannot evaluate the definition: it takes too much work', span, 'Make lists and texts smaller.');
  }
}

export interface FunctionCall {
  readonly name: string;
  readonly args: readonly Value[];
  readonly span: Span;
}

/** Functions that are given expressions, by their names. */
export type LazyFunctions = Readonly<Record<string, (args: readonly Expression[], scope: Scope, span: Span) => Value>>;

/** What names mean where an expression stands. */
export interface Scope {
  readonly budget: Budget;
  /** @throws `CONFIG_INVALID` for a name that means nothing */
  variable(name: string, span: Span): Value;
  /** `target.NAME` or `target.NAME.ATTRIBUTE`, without evaluating more; `undefined` where the root is no kind of block. */
  blockValue(path: readonly string[], span: Span): Value | undefined;
  call(call: FunctionCall): Value;
  /** Of a splat: the item at hand. */
  readonly item?: Value | undefined;
  /** What evaluates its arguments itself. */
  readonly lazy?: LazyFunctions | undefined;
}

/** The same, with further variables that hide those of their names. */
export function withVariables(scope: Scope, variables: ReadonlyMap<string, Value>): Scope {
  return {
    ...{ budget: scope.budget, lazy: scope.lazy, item: scope.item },
    variable: (name, span) => {
      const value = variables.get(name);
      return value === undefined ? scope.variable(name, span) : value;
    },
    blockValue: (path, span) => (variables.has(path[0] ?? '') ? undefined : scope.blockValue(path, span)),
    call: (call) => scope.call(call),
  };
}

export function withItem(scope: Scope, item: Value): Scope {
  return { ...withVariables(scope, new Map()), item };
}
