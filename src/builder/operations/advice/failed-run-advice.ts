import { pastedCharacters } from '../../../parser/checks/pasted-character.js';
import { missingYes } from '../../../parser/checks/script/package-manager.js';
import { runCommands } from '../../../parser/checks/script/run-commands.js';
import { firstAdvice } from './cause.js';
import { LANGUAGE_CAUSES } from './causes/languages.js';
import { NETWORK_CAUSES } from './causes/network.js';
import { PACKAGE_CAUSES } from './causes/package-managers.js';
import { PROGRAM_CAUSES } from './causes/programs.js';
import { RESOURCE_CAUSES } from './causes/resources.js';
import { RIGHTS_CAUSES } from './causes/rights.js';
import { SCRIPT_CAUSES } from './causes/scripts.js';
import { statusAdvice } from './exit-status.js';
import type { FailedRun } from './failed-run.js';
import { programAdvice } from './program-advice.js';

/** From what explains the others to what may only follow from them. */
const OUTPUT_CAUSES = [
  ...RESOURCE_CAUSES,
  ...SCRIPT_CAUSES,
  ...RIGHTS_CAUSES,
  ...PACKAGE_CAUSES,
  ...NETWORK_CAUSES,
  ...LANGUAGE_CAUSES,
  ...PROGRAM_CAUSES,
];
const MOST = 2;

/**
 * The hint of a failed RUN: what the kernel says, what is wrong with the program, what its output says, what is wrong with the
 * command itself; else what its exit status means.
 * @returns one sentence a line, the most specific first, two at most
 */
export function failedRunAdvice(failed: FailedRun): string {
  const observed = memoryAdvice(failed) ?? programAdvice(failed) ?? firstAdvice(OUTPUT_CAUSES, failed);
  const found = [...(observed === undefined ? [] : [observed]), ...commandAdvice(failed)];
  return found.length === 0 ? statusAdvice(failed.result) : found.slice(0, MOST).join('\n');
}

/** The kernel itself says so. */
function memoryAdvice({ result, allowance }: FailedRun): string | undefined {
  const bytes = allowance?.memoryBytes;
  if (result.outOfMemory !== true || bytes === undefined) return undefined;
  const limit = bytes % MEBIBYTE === 0 ? `${bytes / MEBIBYTE} MiB` : `${bytes} bytes`;
  return `The step wanted more memory than the ${limit} that --memory allows it, and was killed: allow more, or let it do less at once (make -j2, fewer workers).`;
}

const MEBIBYTE = 1024 ** 2;

/** Mistakes of the command that make a step fail, in the words of our rules. */
function commandAdvice({ argv }: FailedRun): readonly string[] {
  const commands = runCommands({ form: 'exec', argv });
  return [...argv.flatMap(pastedCharacters), ...missingYes(commands)]
    .slice(0, 1)
    .map(({ message }) => `${message.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase())}.`);
}
