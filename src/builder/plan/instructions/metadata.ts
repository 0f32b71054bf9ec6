import type {
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  UserInstruction,
  VolumeInstruction,
} from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import { formatGoList } from '../go-format.js';
import type { InstructionContext } from '../instruction-context.js';

export function applyLabel({ entries }: LabelInstruction, { draft, expand }: InstructionContext): void {
  const expanded = entries.map(({ name, value }) => ({ name: expand(name), value: expand(value) }));
  for (const { name, value } of expanded) draft.config.labels.set(name, value);
  draft.recordEmpty(`LABEL ${expanded.map(({ name, value }) => `${name}=${value}`).join(' ')}`);
}

/** Not looked up: whether there is such a user is known when a RUN needs it. */
export function applyUser({ user }: UserInstruction, { draft, expand }: InstructionContext): void {
  draft.config.user = expand(user);
  draft.recordEmpty(`USER ${draft.config.user}`);
}

/** @throws `DOCKERFILE_SEMANTICS` */
export function applyVolume({ paths, text, source }: VolumeInstruction, { draft, expand }: InstructionContext): void {
  const expanded = paths.map(expand);
  if (expanded.includes('')) {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot declare the volumes of "${text}": a path is empty`, {
      hint: 'Give each volume a path; a variable in it may be unset here.',
      source,
    });
  }
  for (const path of expanded) draft.config.volumes.add(path);
  draft.recordEmpty(`VOLUME ${formatGoList(expanded)}`);
}

export function applyMaintainer({ name }: MaintainerInstruction, { draft }: InstructionContext): void {
  draft.author = name;
  draft.recordEmpty(`MAINTAINER ${name}`);
}

/** Leaves no trace in the history. */
export function applyOnbuild({ trigger }: OnbuildInstruction, { draft }: InstructionContext): void {
  draft.config.onBuild.push(trigger);
}
