import type { CommandLine, RunInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { InstructionContext } from '../instruction-context.js';
import type { StageDraft } from '../stage-draft.js';
import { commandWords } from './command-line.js';

/** @throws `DOCKERFILE_SEMANTICS` for an empty command, and for a network that the build was not given */
export function applyRun(instruction: RunInstruction, { draft, build }: InstructionContext): void {
  const { text, source } = instruction;
  const command = commandLine(instruction);
  const [program, ...rest] = commandWords(command, draft.config.shell);
  if (program === undefined || program === '') {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot run "${text}": there is no command`, {
      hint: 'Give RUN a command, or remove the line.',
      source,
    });
  }
  const words = [...runArguments(draft), program, ...rest];
  const env = [...draft.variables].map(([name, value]) => `${name}=${value}`);
  draft.addStep(
    {
      kind: 'run',
      argv: [program, ...rest],
      env,
      cwd: draft.cwd,
      user: draft.config.user,
      network: runNetwork(instruction, build.network),
      security: 'sandbox',
      mounts: [],
      devices: [],
    },
    { text, source },
  );
  draft.recordLayer(`RUN ${words.join(' ')} # buildkit`);
}

function commandLine({ command }: RunInstruction): CommandLine {
  return command.form === 'heredoc' ? { form: 'shell', script: command.heredoc.content } : command;
}

/** `|2 A=1 B=2`: how many arguments there are, and what each is worth now, in the order of their first declarations. */
function runArguments({ declaredArguments, variables }: StageDraft): readonly string[] {
  if (declaredArguments.size === 0) return [];
  const settings = [...declaredArguments].map(([name, declared]) => `${name}=${variables.get(name) ?? declared}`);
  return [`|${declaredArguments.size}`, ...settings];
}

function runNetwork({ network, text, source }: RunInstruction, wanted: 'host' | 'none'): 'host' | 'none' {
  if (network === 'default') return wanted;
  if (network === 'none' || wanted === 'host') return network;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot run "${text}": the build has no network`, {
    hint: 'Remove --network=host from the step, or build with --network host.',
    source,
  });
}
