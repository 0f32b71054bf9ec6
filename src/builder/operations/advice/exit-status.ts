import { constants } from 'node:os';
import type { RunResult } from '../../../sandbox/sandbox.js';

/** Those that end no process by themselves (signal(7)): a status of 128 and one of their numbers means something else. */
const HARMLESS: ReadonlySet<string> = new Set<NodeJS.Signals>([
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGWINCH',
]);

/** By number. Of two names the first: SIGABRT is SIGIOT as well. */
const SIGNALS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .filter(([name]) => !HARMLESS.has(name))
    .reverse()
    .map(([name, number]) => [number, name]),
);

const MEANINGS: Readonly<Record<string, string>> = {
  SIGILL: 'an instruction that the processor lacks',
  SIGABRT: 'the program gave up',
  SIGBUS: 'a bad access to memory',
  SIGFPE: 'a bad calculation',
  SIGSEGV: 'a bad access to memory',
  SIGPIPE: 'nobody read its output',
  SIGXCPU: 'its processor time was used up',
  SIGXFSZ: 'a file became larger than allowed',
  SIGSYS: 'a system call that is not allowed',
};

/** How a step ended, as `exit code 127 (a program was not found)`. */
export function endInWords(result: RunResult): string {
  if (result.outcome === 'killed') return withMeaning(`killed by ${result.signal}`, MEANINGS[result.signal]);
  const { exitCode } = result;
  return withMeaning(`exit code ${exitCode}`, meaningOf(exitCode));
}

function meaningOf(exitCode: number): string | undefined {
  if (exitCode === 126) return 'a program was found that cannot be run';
  if (exitCode === 127) return 'a program was not found';
  const signal = signalIn(exitCode);
  if (signal === undefined) return undefined;
  const meaning = MEANINGS[signal];
  return meaning === undefined ? `killed by ${signal}` : `killed by ${signal}: ${meaning}`;
}

/** A shell adds 128 to the number of the signal that ended its program. */
function signalIn(exitCode: number): string | undefined {
  return SIGNALS.get(exitCode - 128);
}

function withMeaning(end: string, meaning: string | undefined): string {
  return meaning === undefined ? end : `${end} (${meaning})`;
}

/** What can be done about an end of that kind, where nothing more is known. */
export function statusAdvice(result: RunResult): string {
  const signal = result.outcome === 'killed' ? result.signal : signalIn(result.exitCode);
  if (signal !== undefined) return signalAdvice(signal);
  const exitCode = result.outcome === 'exited' ? result.exitCode : 0;
  if (exitCode === 127) return 'A program was not found: install it in a RUN before, or check its name and PATH.';
  if (exitCode === 126) {
    return 'A program was found and cannot be run: make it executable (COPY --chmod=755), and check its first line and its platform.';
  }
  return 'The output above says why; "--progress plain" shows all of it.';
}

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
    case 'SIGSYS':
      return 'The seccomp filter forbids a system call of the step: RUN --security=insecure with --allow security.insecure does without the filter.';
    default:
      return `A program of the step was ended by ${signal}.`;
  }
}
