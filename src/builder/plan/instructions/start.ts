import type {
  CommandInstruction,
  HealthcheckInstruction,
  ShellInstruction,
  StopSignalInstruction,
} from '../../../parser/instruction.js';
import type { Healthcheck } from '../../../oci/image.js';
import { TsbuildError } from '../../../support/errors.js';
import { formatGoDuration, formatGoList, quoteGoList, quoteGoRune } from '../go-format.js';
import type { InstructionContext } from '../instruction-context.js';
import { isSignal, nearestSignal } from '../signals.js';
import { commandWords } from './command-line.js';

export function applyCmd({ command }: CommandInstruction, { draft }: InstructionContext): void {
  const words = commandWords(command, draft.config.shell);
  draft.config.command = words;
  draft.config.argsEscaped = true;
  draft.hasOwnCommand = true;
  draft.recordEmpty(`CMD ${quoteGoList(words)}`);
}

/** Arguments for another entrypoint make no sense: a CMD that is not of this stage goes. */
export function applyEntrypoint({ command }: CommandInstruction, { draft }: InstructionContext): void {
  const words = commandWords(command, draft.config.shell);
  draft.config.entrypoint = words;
  if (!draft.hasOwnCommand) draft.config.command = [];
  draft.recordEmpty(`ENTRYPOINT ${quoteGoList(words)}`);
}

export function applyShell({ shell }: ShellInstruction, { draft }: InstructionContext): void {
  draft.config.shell = shell;
  draft.recordEmpty(`SHELL ${formatGoList(shell)}`);
}

/** @throws `DOCKERFILE_SEMANTICS` */
export function applyStopSignal({ signal, source }: StopSignalInstruction, context: InstructionContext): void {
  const name = context.expand(signal);
  if (!isSignal(name)) {
    const near = nearestSignal(name);
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot stop with signal "${name}": there is no such signal`, {
      hint: near === undefined ? 'Give a name such as SIGTERM, or a number.' : `Did you mean ${near}?`,
      source,
      details: { word: name },
    });
  }
  context.draft.config.stopSignal = name;
  context.draft.recordEmpty(`STOPSIGNAL ${name}`);
}

/** The shell form is kept as it is: what runs the check takes the image's shell. */
export function applyHealthcheck(instruction: HealthcheckInstruction, { draft }: InstructionContext): void {
  const { interval = 0, timeout = 0, startPeriod = 0, startInterval = 0, retries = 0 } = instruction;
  const test = healthcheckTest(instruction);
  const healthcheck: Healthcheck = {
    Test: test,
    ...(interval === 0 ? {} : { Interval: interval }),
    ...(timeout === 0 ? {} : { Timeout: timeout }),
    ...(startPeriod === 0 ? {} : { StartPeriod: startPeriod }),
    ...(startInterval === 0 ? {} : { StartInterval: startInterval }),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
  draft.config.healthcheck = healthcheck;
  // BuildKit prints the Go structure with %q, the number of retries as a character.
  const times = [interval, timeout, startPeriod, startInterval].map((time) => `"${formatGoDuration(time)}"`).join(' ');
  draft.recordEmpty(`HEALTHCHECK &{${quoteGoList(test)} ${times} ${quoteGoRune(retries)}}`);
}

function healthcheckTest({ command }: HealthcheckInstruction): readonly string[] {
  if (command === null) return ['NONE'];
  return command.form === 'exec' ? ['CMD', ...command.argv] : ['CMD-SHELL', command.script];
}
