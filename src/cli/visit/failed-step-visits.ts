import type { FailedStep, OpenVisit } from '../../builder/visit.js';
import { TsbuildError } from '../../support/errors.js';
import type { ParsedArguments } from '../argv.js';
import { choose } from '../commands/choose.js';
import type { Host } from '../host.js';
import { isTerminal, print } from '../output-stream.js';
import type { ProgressRenderer } from '../progress/renderer.js';
import type { ProgressMode } from '../progress/select-renderer.js';
import { escapeControls, plainLine } from '../text/terminal-text.js';

/** What happens when a RUN fails, before the build ends with its error. */
const ON_ERROR = { stop: false, shell: true } as const;

/**
 * Whether `--on-error` asks for a shell in the sandbox of a RUN that fails.
 * @throws `USAGE` before anything is built, where nobody could use one
 */
export function wantsShell(parsed: ParsedArguments, mode: ProgressMode, host: Host): boolean {
  if (choose(parsed.value('on-error'), ON_ERROR, '--on-error') !== true) return false;
  if (host.stdin.isTTY !== true || !isTerminal(host.stderr)) {
    const name = host.stdin.isTTY === true ? 'error' : 'input';
    throw new TsbuildError('USAGE', `cannot use --on-error "shell": standard ${name} is no terminal`, {
      hint: 'Start the build in a terminal, or leave the option out.',
    });
  }
  if (mode !== 'json') return true;
  throw new TsbuildError(
    'USAGE',
    'cannot use --on-error "shell": with --progress=json, what is shown is for programs',
    {
      hint: 'Use another --progress, or leave the option out.',
    },
  );
}

/** Lets the person at the terminal into a step that failed, once the display of progress has given way. */
export function failedStepVisits(
  host: Host,
  renderer: ProgressRenderer,
  { mode, kill }: { readonly mode: ProgressMode; readonly kill: AbortController },
): OpenVisit {
  return async (failed) => {
    renderer.stepAside?.();
    if (failed !== undefined) await print(host.stderr, introduction(failed, { output: mode !== 'plain' }));
    const { openVisit } = await import('./open-visit.js');
    return openVisit(host, { input: true, terminal: true, output: host.stderr, kill });
  };
}

/** @param shown.output whether the last lines of the step's output belong to it, as they have not been shown */
export function introduction(
  { label, state, command, output }: FailedStep,
  shown: { readonly output: boolean },
): string {
  const lines = (text: string): string[] =>
    text.split('\n').map((line) => `    ${escapeControls(line.replaceAll('\t', '    '))}`);
  return [
    `${plainLine(label)}: ${state}`,
    ...(shown.output && output !== '' ? lines(output) : []),
    '',
    'A shell in the sandbox of this step, with its files as it left them. The command was:',
    '',
    ...lines(command),
    '',
    'Leaving the shell ends the build. Nothing of what you do here is kept.',
    '',
  ].join('\n');
}
