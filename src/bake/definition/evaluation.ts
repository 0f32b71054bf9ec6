import { suggest } from '../../support/suggest.js';
import { bakeError, type Span } from '../bake-error.js';
import { evaluate, placed } from '../evaluate/evaluate.js';
import { Budget, withVariables, type FunctionCall, type LazyFunctions, type Scope } from '../evaluate/scope.js';
import { callStandard, LAZY_FUNCTIONS, standardFunctions, type Surroundings } from '../functions/function-table.js';
import type { Functions } from '../functions/signature.js';
import { ValueError, type Value } from '../value.js';
import type { Declared } from './declared.js';
import { readFunction, type UserFunction } from './user-function.js';
import { variableValue, type LookUp } from './variables.js';

export interface EvaluationOptions extends Surroundings {
  readonly declared: Declared;
  readonly lookUp: LookUp;
  /** `BAKE_CMD_CONTEXT` and the like: no file can set them. */
  readonly builtIn: ReadonlyMap<string, string>;
}

/** What looks up `target.…` and `group.…`. */
export type Blocks = (path: readonly string[], span: Span) => Value | undefined;

/** Variables and functions of the definition files, each evaluated when it is first needed. */
export class Evaluation implements Scope {
  readonly budget: Budget = new Budget();
  readonly lazy: LazyFunctions = LAZY_FUNCTIONS;
  readonly #options: EvaluationOptions;
  readonly #functions: Functions;
  readonly #values = new Map<string, Value>();
  readonly #underWay = new Set<string>();
  readonly #calls: string[] = [];
  readonly #read = new Map<string, UserFunction>();
  #blocks: Blocks = () => undefined;

  constructor(options: EvaluationOptions) {
    this.#options = options;
    this.#functions = standardFunctions(options);
  }

  useBlocks(blocks: Blocks): void {
    this.#blocks = blocks;
  }

  blockValue(path: readonly string[], span: Span): Value | undefined {
    return this.#blocks(path, span);
  }

  variable(name: string, span: Span): Value {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    return this.inProgress(`variable "${name}"`, span, () => {
      const value = this.#resolve(name, span);
      this.#values.set(name, value);
      return value;
    });
  }

  /** @throws `CONFIG_INVALID` when what is evaluated depends on itself */
  inProgress<T>(what: string, span: Span, work: () => T): T {
    if (this.#underWay.has(what)) {
      const circle = [...this.#underWay].slice([...this.#underWay].indexOf(what));
      throw bakeError(
        `cannot evaluate ${what}: it depends on itself`,
        span,
        `The circle is ${[...circle, what].join(' → ')}.`,
      );
    }
    this.#underWay.add(what);
    try {
      return work();
    } finally {
      this.#underWay.delete(what);
    }
  }

  #resolve(name: string, span: Span): Value {
    const { builtIn, declared, lookUp } = this.#options;
    const fixed = builtIn.get(name);
    if (fixed !== undefined) return fixed;
    const [attribute, block] = [declared.attributes.get(name), declared.variables.get(name)];
    if (block !== undefined) {
      const value = attribute === undefined ? block : withDefault(block, attribute);
      return variableValue(value, this, lookUp);
    }
    if (attribute !== undefined) return evaluate(attribute.value, this);
    const near = suggest(name, [...builtIn.keys(), ...declared.attributes.keys(), ...declared.variables.keys()]);
    const hint = near === undefined ? `Declare it: variable "${name}" { default = "…" }.` : `Did you mean ${near}?`;
    throw bakeError(`cannot use variable "${name}": there is none`, span, hint);
  }

  call(call: FunctionCall): Value {
    const block = this.#options.declared.functions.get(call.name);
    if (block === undefined || Object.hasOwn(this.#functions, call.name)) return callStandard(this.#functions, call);
    const { name, span } = call;
    if (this.#calls.includes(name)) throw bakeError(`cannot call ${name}(): it calls itself`, span);
    const read = this.#read.get(name) ?? readFunction(block);
    this.#read.set(name, read);
    this.budget.spend(1, span);
    this.#calls.push(name);
    try {
      return evaluate(read.result, withVariables(this, parametersOf(read, call)));
    } finally {
      this.#calls.pop();
    }
  }
}

function withDefault(
  block: Parameters<typeof variableValue>[0],
  attribute: Declared['attributes'] extends ReadonlyMap<string, infer A> ? A : never,
): Parameters<typeof variableValue>[0] {
  return { ...block, body: { ...block.body, attributes: new Map([...block.body.attributes, ['default', attribute]]) } };
}

function parametersOf(
  { parameters, rest }: UserFunction,
  { name, args, span }: FunctionCall,
): ReadonlyMap<string, Value> {
  return placed(span, () => {
    if (args.length < parameters.length || (rest === undefined && args.length > parameters.length)) {
      throw new ValueError(`${name}() takes ${parameters.length} arguments, not ${args.length}`);
    }
    const given = parameters.map((parameter, index): readonly [string, Value] => [parameter, args[index] ?? null]);
    return new Map([...given, ...(rest === undefined ? [] : [[rest, args.slice(parameters.length)] as const])]);
  });
}
