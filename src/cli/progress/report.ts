import type { BuildResult } from '../../builder/build-request.js';
import { isTsbuildError } from '../../support/errors.js';
import { plainLine } from '../text/terminal-text.js';
import { differenceLines } from './difference-text.js';
import type { ProgressState, Step, Warning } from './model.js';
import type { Outcome } from './renderer.js';

/**
 * The last output of the step that failed, between rules as BuildKit has them; what differed of a build that was done twice; nothing
 * of other failures.
 */
export function failureLines({ steps, differences }: ProgressState, outcome: Outcome): string[] {
  if (outcome.kind === 'failed' && isTsbuildError(outcome.error, 'NOT_REPRODUCIBLE')) {
    return differences.flatMap(differenceLines);
  }
  if (outcome.kind === 'done' || !isTsbuildError(outcome.error, 'RUN_FAILED')) return [];
  const step = steps.find(({ status }) => status === 'failed');
  if (step === undefined || step.tail.length === 0) return [];
  return ['------', ` > ${plainLine(step.label)}:`, ...omission(step), ...step.tail, '------'];
}

function omission({ lineCount, tail }: Step): string[] {
  const missing = lineCount - tail.length;
  return missing <= 0 ? [] : [`[${missing} earlier ${missing === 1 ? 'line' : 'lines'}: --progress=plain shows all]`];
}

/** What a build has made, and how much of it anew. */
export function resultLines({ imageId, index, images, stored, forPush, names, steps }: BuildResult): string[] {
  const built = steps.total - steps.cached;
  const count = `${steps.total} ${steps.total === 1 ? 'step' : 'steps'}: ${steps.cached} cached, ${built} built`;
  const what = index === undefined ? `image ${imageId}` : `index ${index.digest}`;
  const members = stored || forPush === true ? (images ?? []) : [];
  const lines = members.map((image) => `image ${image.imageId} for ${image.platform}`);
  if (stored) return [`${what} (${count})`, ...lines, ...names.map((name) => `named ${name}`)];
  return [
    forPush === true ? `${what}, which only the registry has whole (${count})` : `no image kept (${count})`,
    ...lines,
  ];
}

export function warningLine({ rule, message, source }: Warning): string {
  const place = source === undefined ? '' : ` (${source.file}:${source.start.line})`;
  return plainLine(`warning: ${rule === undefined ? '' : `${rule}: `}${message}${place}`);
}

export function noticeLine(message: string): string {
  return plainLine(`note: ${message}`);
}
