import { pastedCharacters } from '../../../parser/checks/pasted-character.js';
import { missingYes } from '../../../parser/checks/script/package-manager.js';
import { runCommands } from '../../../parser/checks/script/run-commands.js';
import type { FailedRun } from './failed-run.js';
import { outputAdvice } from './output-advice.js';

/** The hint of a failed RUN: what is wrong with the command itself, else what its output says, else what its exit status means. */
export function failedRunAdvice(failed: FailedRun): string {
  return memoryAdvice(failed) ?? commandAdvice(failed) ?? outputAdvice(failed) ?? statusAdvice(failed);
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
function commandAdvice({ argv }: FailedRun): string | undefined {
  const commands = runCommands({ form: 'exec', argv });
  const [finding] = [...argv.flatMap(pastedCharacters), ...missingYes(commands)];
  if (finding === undefined) return undefined;
  const sentence = finding.message.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
  return `${sentence}.`;
}

/** What the exit statuses of a shell stand for. */
function statusAdvice({ result }: FailedRun): string {
  if (result.outcome === 'killed') return signalAdvice(result.signal);
  if (result.exitCode > 128 && result.exitCode <= 128 + 64) {
    const signal = SIGNALS.get(result.exitCode - 128);
    if (signal !== undefined) return signalAdvice(signal);
  }
  if (result.exitCode === 127)
    return 'A program was not found: install it in a RUN before, or check its name and PATH.';
  if (result.exitCode === 126) {
    return 'A program was found and cannot be run: make it executable (COPY --chmod=755), and check its first line and its platform.';
  }
  return 'The output above says why; "--progress plain" shows all of it.';
}

const SIGNALS: ReadonlyMap<number, string> = new Map([
  [2, 'SIGINT'],
  [4, 'SIGILL'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [9, 'SIGKILL'],
  [11, 'SIGSEGV'],
  [13, 'SIGPIPE'],
  [15, 'SIGTERM'],
]);

function signalAdvice(signal: string): string {
  switch (signal) {
    case 'SIGKILL':
      return 'Something killed the step; most often the machine ran out of memory: let the step do less at once, or build where there is more.';
    case 'SIGSEGV':
    case 'SIGBUS':
      return 'A program of the step crashed: it may be broken, or made for another platform.';
    case 'SIGILL':
      return 'A program of the step uses instructions that this processor lacks: take a build of it for older processors.';
    case 'SIGABRT':
      return 'A program of the step gave up; the output above says why.';
    case 'SIGPIPE':
      return 'A program wrote to another one that had ended already: let "head" and its like read to the end, or leave out "pipefail".';
    default:
      return `A program of the step was ended by ${signal}.`;
  }
}
