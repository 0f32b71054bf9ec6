import { bakeError, type Span } from '../bake-error.js';
import { evaluate, placed } from '../evaluate/evaluate.js';
import type { Attribute, Block } from '../hcl/expression.js';
import { suggest } from '../../support/suggest.js';
import { decodeField, textsOf, valueOfField } from '../target/decode-field.js';
import {
  FIELD_NAMES,
  isFieldName,
  type FieldName,
  type Fields,
  type FieldValue,
  type Group,
  type Target,
} from '../target/field.js';
import { mergeFields } from '../target/merge-fields.js';
import { toText, type Value } from '../value.js';
import { checkMembers, labelOf } from './declared.js';
import { Evaluation, type EvaluationOptions } from './evaluation.js';
import { checkName, instancesOf, type Instance } from './instances.js';
import { readFunction } from './user-function.js';
import { checkVariable, listVariable, validateVariable, type ListedVariable } from './variables.js';

/** What definition files say, evaluated. */
export interface Definition {
  readonly targets: readonly Target[];
  readonly groups: readonly Group[];
  readonly variables: readonly ListedVariable[];
}

const NOT_HERE: ReadonlyMap<string, string> = new Map([['policy', 'tsbuild has no policies for sources']]);

/** @throws `CONFIG_INVALID` */
export function readDefinition(options: EvaluationOptions): Definition {
  return new Reading(options).read();
}

class Reading {
  readonly #options: EvaluationOptions;
  readonly #evaluation: Evaluation;
  readonly #values = new Map<Attribute, Map<Instance, FieldValue | undefined>>();
  #instances: readonly Instance[] = [];

  constructor(options: EvaluationOptions) {
    this.#options = options;
    this.#evaluation = new Evaluation(options);
  }

  read(): Definition {
    const { declared } = this.#options;
    const variables = this.#readVariables();
    for (const block of declared.functions.values()) readFunction(block);
    const renamed: Group[] = [];
    this.#instances = declared.targets.flatMap((block) => {
      checkTarget(block);
      const instances = instancesOf(block, this.#evaluation);
      renamed.push(...groupOf(block, instances));
      return instances;
    });
    this.#evaluation.useBlocks((path, span) => this.#blockValue(path, span));
    const targets = new Map<string, Fields>();
    for (const instance of this.#instances) {
      targets.set(instance.name, mergeFields(targets.get(instance.name) ?? new Map(), this.#fieldsOf(instance)));
    }
    const groups = new Map(declared.groups.map((block) => [labelOf(block), this.#readGroup(block)]));
    for (const [name, { span }] of declared.attributes) this.#evaluation.variable(name, span);
    return {
      variables,
      targets: [...targets].map(([name, fields]) => ({ name, fields })),
      groups: [...groups.values(), ...merged(renamed)],
    };
  }

  #readVariables(): readonly ListedVariable[] {
    const blocks = [...this.#options.declared.variables.values()];
    blocks.forEach(checkVariable);
    const listed = blocks.map((block) => listVariable(block, this.#evaluation.variable(labelOf(block), block.span)));
    for (const block of blocks) validateVariable(block, this.#evaluation);
    return listed;
  }

  #fieldsOf(instance: Instance): Fields {
    const entries = [...instance.block.body.attributes.values()].flatMap((attribute) => {
      const { name } = attribute;
      if (!isFieldName(name)) return [];
      const value = this.#fieldOf(instance, attribute, name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return new Map(entries);
  }

  #fieldOf(instance: Instance, attribute: Attribute, name: FieldName): FieldValue | undefined {
    const known = this.#values.get(attribute) ?? new Map<Instance, FieldValue | undefined>();
    this.#values.set(attribute, known);
    if (known.has(instance)) return known.get(instance);
    const { value: expression, span } = attribute;
    const value = this.#evaluation.inProgress(`target.${instance.name}.${name}`, span, () =>
      evaluate(expression, instance.scope),
    );
    const decoded = placed(expression.span, () => decodeField(name, value));
    known.set(instance, decoded);
    return decoded;
  }

  /** `target.NAME.FIELD` of the last block of that name that sets it. */
  #blockValue(path: readonly string[], span: Span): Value | undefined {
    const [type = '', name, field] = path;
    if ((type !== 'target' && type !== 'group') || this.#isVariable(type)) return undefined;
    if (name === undefined)
      throw bakeError(`cannot use "${type}" as a variable: it has a name`, span, `Write ${type}.NAME.`);
    if (type === 'group') return this.#groupValue(name, field, span);
    const instances = this.#instances.filter((instance) => instance.name === name);
    if (instances.length === 0) throw this.#noTarget(name, span);
    if (field === undefined) return new Map(FIELD_NAMES.map((one) => [one, this.#lastValue(instances, one)]));
    if (field === 'name') return name;
    if (isFieldName(field)) return this.#lastValue(instances, field);
    throw bakeError(`cannot use target.${name}.${field}: a target has no "${field}"`, span);
  }

  #isVariable(name: string): boolean {
    const { attributes, variables } = this.#options.declared;
    return attributes.has(name) || variables.has(name);
  }

  #lastValue(instances: readonly Instance[], name: FieldName): Value {
    const found = instances.findLast(({ block }) => block.body.attributes.has(name));
    const attribute = found?.block.body.attributes.get(name);
    return found === undefined || attribute === undefined ? null : valueOfField(this.#fieldOf(found, attribute, name));
  }

  #groupValue(name: string, field: string | undefined, span: Span): Value {
    const block = this.#options.declared.groups.findLast((one) => labelOf(one) === name);
    if (block === undefined) throw bakeError(`cannot use group.${name}: there is no such group`, span);
    const { targets, description } = this.#evaluation.inProgress(`group.${name}`, span, () => this.#readGroup(block));
    const whole = new Map<string, Value>([
      ['targets', targets],
      ['description', description ?? null],
      ['name', name],
    ]);
    return field === undefined ? whole : (whole.get(field) ?? null);
  }

  #noTarget(name: string, span: Span): Error {
    const near = suggest(
      name,
      this.#instances.map((instance) => instance.name),
    );
    return bakeError(
      `cannot use target.${name}: there is no such target`,
      span,
      near === undefined ? undefined : `Did you mean ${near}?`,
    );
  }

  #readGroup(block: Block): Group {
    const what = `group "${labelOf(block)}"`;
    checkName(labelOf(block), block.labels[0]?.span);
    for (const name of ['matrix', 'name']) {
      const attribute = block.body.attributes.get(name);
      if (attribute !== undefined) throw bakeError(`cannot read ${what}: only targets have a ${name}`, attribute.span);
    }
    checkMembers(block, { what, known: ['targets', 'description'] });
    const [targets, description] = [block.body.attributes.get('targets'), block.body.attributes.get('description')];
    if (targets === undefined) throw bakeError(`cannot read ${what}: it has no "targets"`, block.span);
    const list = evaluate(targets.value, this.#evaluation);
    const about = description === undefined ? null : evaluate(description.value, this.#evaluation);
    return {
      name: labelOf(block),
      description: about === null ? undefined : placed(block.span, () => toText(about)),
      targets: placed(targets.value.span, () => textsOf(list)),
    };
  }
}

function checkTarget(block: Block): void {
  for (const [name, reason] of NOT_HERE) {
    const attribute = block.body.attributes.get(name);
    if (attribute !== undefined)
      throw bakeError(`cannot use "${name}" of target "${labelOf(block)}": ${reason}`, attribute.span);
  }
  checkMembers(block, { what: `target "${labelOf(block)}"`, known: [...FIELD_NAMES, 'matrix', 'name'] });
}

/** A matrix's own name stands for all that it gives. */
function groupOf(block: Block, instances: readonly Instance[]): readonly Group[] {
  const names = instances.map(({ name }) => name);
  const label = labelOf(block);
  if (names.length === 1 && names[0] === label) return [];
  return [{ name: label, description: undefined, targets: names }];
}

function merged(groups: readonly Group[]): readonly Group[] {
  const byName = new Map<string, Group>();
  for (const group of groups) {
    const known = byName.get(group.name);
    byName.set(group.name, { ...group, targets: [...new Set([...(known?.targets ?? []), ...group.targets])] });
  }
  return [...byName.values()];
}
