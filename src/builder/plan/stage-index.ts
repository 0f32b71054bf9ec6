import type { Dockerfile, Stage } from '../../parser/instruction.js';
import { invariant } from '../../support/invariant.js';
import { TsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';

/** The stages of a Dockerfile by name and number. A name may stand for several stages. */
export class StageIndex {
  readonly stages: readonly Stage[];
  readonly #byName = new Map<string, number[]>();

  constructor(dockerfile: Dockerfile) {
    this.stages = dockerfile.stages;
    for (const { name, index } of this.stages) {
      if (name === undefined) continue;
      const indexes = this.#byName.get(name);
      if (indexes === undefined) this.#byName.set(name, [index]);
      else indexes.push(index);
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  at(index: number): Stage {
    const stage = this.stages[index];
    invariant(stage !== undefined, `there is no stage ${index}`);
    return stage;
  }

  /** The stage that `FROM name` means in the stage `before`: the last of that name above it. The name is taken as written. */
  baseOf(name: string, before: number): number | undefined {
    return this.#byName.get(name)?.findLast((index) => index < before);
  }

  /** The stage that a name stands for in `--target` and `COPY --from`: the last of that name in the file, case aside. */
  find(name: string): number | undefined {
    return this.#byName.get(name.toLowerCase())?.at(-1);
  }
}

/**
 * The stage to build: by name, else by number, else the last.
 * @throws `DOCKERFILE_SEMANTICS`, listing the stages there are
 */
export function targetStage(index: StageIndex, target: string | undefined): number {
  if (target === undefined || target === '') return index.stages.length - 1;
  const named = index.find(target);
  if (named !== undefined) return named;
  if (/^\d+$/.test(target) && Number(target) < index.stages.length) return Number(target);
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot build target "${target}": there is no such stage`, {
    hint: targetHint(index, target),
  });
}

/**
 * The numbers of the stages that words stand for, each the name of one or several, or a number.
 * @throws `DOCKERFILE_SEMANTICS`, listing the stages there are
 */
export function stagesNamed(index: StageIndex, words: readonly string[]): ReadonlySet<number> {
  return new Set(
    words.flatMap((word) => {
      const named = index.stages.filter(({ name }) => name === word.toLowerCase());
      if (named.length > 0) return named.map((stage) => stage.index);
      if (/^\d+$/.test(word) && Number(word) < index.stages.length) return [Number(word)];
      throw new TsbuildError(
        'DOCKERFILE_SEMANTICS',
        `cannot do stage "${word}" without the cache: there is no such stage`,
        {
          hint: targetHint(index, word),
        },
      );
    }),
  );
}

function targetHint(index: StageIndex, target: string): string {
  const near = suggest(target, index.names);
  const question = near === undefined ? '' : `Did you mean "${near}"? `;
  const count = index.stages.length;
  const numbers = count === 1 ? 'the number 0' : `a number from 0 to ${count - 1}`;
  const { names } = index;
  if (names.length === 0) return `${question}No stage has a name: give ${numbers}, or name a stage with FROM … AS.`;
  return `${question}The stages are ${names.join(', ')}; ${numbers} is also a target.`;
}
