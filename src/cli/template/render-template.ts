import { BadArguments, callFunction } from './functions.js';
import type { Call, FunctionName, Node, Operand, Pipeline, Template } from './template.js';
import { templateError } from './template-error.js';
import { formatValue, isMembers, isTrue, sortedEntries } from './values.js';

/**
 * What a template makes of a value.
 * @throws `USAGE` when a function does not suit its arguments, or the value has no such member; members of members that are not
 * there are empty
 */
export function renderTemplate(template: Template, value: unknown): string {
  const rendering = new Rendering(value);
  rendering.nodes(template, { dot: value, variables: new Map([['$', { value }]]) });
  return rendering.output.join('');
}

interface Scope {
  /** What `.` means. */
  readonly dot: unknown;
  /** Those of the scopes around it are the same objects, so that what is assigned within is seen outside. */
  readonly variables: Map<string, { value: unknown }>;
}

type Leaving = 'break' | 'continue' | undefined;

class Rendering {
  readonly output: string[] = [];
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  nodes(nodes: readonly Node[], scope: Scope): Leaving {
    for (const node of nodes) {
      const leaving = this.#node(node, scope);
      if (leaving !== undefined) return leaving;
    }
    return undefined;
  }

  #node(node: Node, scope: Scope): Leaving {
    switch (node.kind) {
      case 'text':
        this.output.push(node.text);
        return undefined;
      case 'break':
      case 'continue':
        return node.kind;
      case 'print': {
        const value = this.#evaluate(node, scope);
        if (node.pipeline.variables.length === 0) this.output.push(formatValue(value));
        return undefined;
      }
      case 'range':
        return this.#range(node, scope);
      default: {
        // What is declared in the condition is known within, and no further.
        const inner = { dot: scope.dot, variables: new Map(scope.variables) };
        const value = this.#evaluate(node, inner);
        if (!isTrue(value)) return this.nodes(node.otherwise, inner);
        return this.nodes(node.then, node.kind === 'with' ? { ...inner, dot: value } : inner);
      }
    }
  }

  #range(node: Extract<Node, { kind: 'range' | 'if' | 'with' }>, scope: Scope): Leaving {
    const { variables, calls } = node.pipeline;
    const value = this.#evaluate({ ...node, pipeline: { variables: [], declares: false, calls } }, scope);
    const elements = elementsOf(value);
    if (elements === undefined) throw templateError(node.source, `"${formatValue(value)}" is not a list`);
    if (elements.length === 0) return this.nodes(node.otherwise, scope);
    for (const [key, element] of elements) {
      const inner = { dot: element, variables: new Map(scope.variables) };
      const [first, second] = variables;
      if (first !== undefined) inner.variables.set(first, { value: second === undefined ? element : key });
      if (second !== undefined) inner.variables.set(second, { value: element });
      if (this.nodes(node.then, inner) === 'break') break;
    }
    return undefined;
  }

  #evaluate({ pipeline, source }: { readonly pipeline: Pipeline; readonly source: string }, scope: Scope): unknown {
    try {
      return this.#pipeline(pipeline, scope);
    } catch (error) {
      if (error instanceof BadArguments) throw templateError(source, error.message);
      throw error;
    }
  }

  #pipeline({ variables: [variable], declares, calls }: Pipeline, scope: Scope): unknown {
    let piped: readonly unknown[] = [];
    for (const call of calls) piped = [this.#call(call, piped, scope)];
    const [value] = piped;
    if (variable === undefined) return value;
    if (declares) scope.variables.set(variable, { value });
    else variableOf(variable, scope).value = value;
    return value;
  }

  #call(call: Call, piped: readonly unknown[], scope: Scope): unknown {
    if (call.kind === 'operand') {
      if (piped.length > 0) throw new BadArguments('only functions take what is piped');
      return this.#operand(call.operand, scope);
    }
    return callFunction(call.name, [...call.operands.map((operand) => this.#operand(operand, scope)), ...piped]);
  }

  #operand(operand: Operand | FunctionName, scope: Scope): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'call':
        return callFunction(operand.name, []);
      case 'dot':
        return this.#member(scope.dot, operand.path);
      case 'variable':
        return this.#member(variableOf(operand.name, scope).value, operand.path);
      case 'pipeline':
        return this.#member(this.#pipeline(operand.pipeline, scope), operand.path);
    }
  }

  #member(start: unknown, path: readonly string[]): unknown {
    return path.reduce((value, name) => {
      if (isMembers(value) && Object.hasOwn(value, name)) return value[name];
      // Docker's types have every member: one that this image lacks is empty. What is shown itself has its members always.
      if (value !== this.#root) return undefined;
      throw templateError(`.${name}`, 'there is no such member', membersHint(value));
    }, start);
  }
}

function variableOf(name: string, { variables }: Scope): { value: unknown } {
  const variable = variables.get(name);
  if (variable === undefined) throw new BadArguments(`there is no variable "${name}"`);
  return variable;
}

function membersHint(value: unknown): string {
  return `There are ${Object.keys(isMembers(value) ? value : {}).join(', ')}.`;
}

/** With their indices or names. `undefined` for what has no elements at all. */
function elementsOf(value: unknown): readonly (readonly [string | number, unknown])[] | undefined {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((element: unknown, index) => [index, element] as const);
  return isMembers(value) ? sortedEntries(value) : undefined;
}
