import { bakeError } from '../bake-error.js';
import { suggest } from '../../support/suggest.js';
import type { Attribute, Block, Body } from '../hcl/expression.js';

/** What all definition files together say, before anything of it is evaluated. */
export interface Declared {
  readonly variables: ReadonlyMap<string, Block>;
  readonly functions: ReadonlyMap<string, Block>;
  /** Values with a name, at the top of a file. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** In order; of one name there may be several. */
  readonly targets: readonly Block[];
  readonly groups: readonly Block[];
}

const TYPES = ['variable', 'function', 'target', 'group'] as const;

/** @throws `CONFIG_INVALID` */
export function declaredIn(bodies: readonly Body[]): Declared {
  const blocks = bodies.flatMap((body) => body.blocks);
  for (const block of blocks) checkBlock(block);
  const named = (type: string): ReadonlyMap<string, Block> =>
    new Map(blocks.filter((block) => block.type === type).map((block) => [labelOf(block), block]));
  const attributes = new Map(bodies.flatMap((body) => [...body.attributes]));
  for (const { name, span } of attributes.values()) {
    if (TYPES.some((type) => type === name)) throw bakeError(`cannot read "${name}": it is a block, not a value`, span);
  }
  return {
    attributes,
    variables: named('variable'),
    functions: named('function'),
    targets: blocks.filter(({ type }) => type === 'target'),
    groups: blocks.filter(({ type }) => type === 'group'),
  };
}

function checkBlock({ type, labels, span }: Block): void {
  if (!TYPES.some((known) => known === type)) {
    const near = suggest(type, TYPES);
    const hint = near === undefined ? `There are ${TYPES.join(', ')}.` : `Did you mean ${near}?`;
    throw bakeError(`cannot read block "${type}": there is no such kind of block`, span, hint);
  }
  if (labels.length === 1) return;
  throw bakeError(`cannot read a ${type}: it has ${labels.length} names`, span, `Write ${type} "NAME" { … }.`);
}

export function labelOf({ labels }: Block): string {
  return labels[0]?.text ?? '';
}

/** Refuses attributes and blocks that nobody reads. @throws `CONFIG_INVALID` */
export function checkMembers(
  { body }: Block,
  {
    what,
    known,
    blocks = [],
  }: { readonly what: string; readonly known: readonly string[]; readonly blocks?: readonly string[] },
): void {
  for (const { name, span } of body.attributes.values()) {
    if (known.includes(name)) continue;
    const near = suggest(name, known);
    const hint = near === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${near}?`;
    throw bakeError(`cannot read ${what}: it has no "${name}"`, span, hint);
  }
  for (const { type, span } of body.blocks) {
    if (!blocks.includes(type))
      throw bakeError(`cannot read ${what}: there is no block "${type}" in it`, span, `Write ${type} = { … }.`);
  }
}
