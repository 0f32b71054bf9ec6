import { posix } from 'node:path';
import { formatPlatform } from '../../../oci/platform.js';
import type { RunInstruction } from '../../../parser/instruction.js';
import type { StepNetwork } from '../../../sandbox/run-spec.js';
import { TsbuildError } from '../../../support/errors.js';
import type { RunMount, RunOperation } from '../../operation.js';
import type { BuildScope, InstructionContext, StepSettings } from '../instruction-context.js';
import type { StageDraft } from '../stage-draft.js';
import { commandWords } from './command-line.js';
import { planMounts } from './run-mounts.js';

/** @throws `DOCKERFILE_SYNTAX`; `DOCKERFILE_SEMANTICS` for an empty command, and for what the build was not given or allowed */
export function applyRun(instruction: RunInstruction, context: InstructionContext): void {
  const { text, source, devices } = instruction;
  const { draft, build } = context;
  const { words: command, script } = commandOf(instruction, draft.config.shell);
  const [program, ...rest] = command;
  if (program === undefined || program === '') {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot run "${text}": there is no command`, {
      hint: 'Give RUN a command, or remove the line.',
      source,
    });
  }
  const words = [...runArguments(draft), program, ...rest];
  const { mounts, inputs } = planMounts(instruction, context);
  draft.addStep(
    {
      kind: 'run',
      platform: formatPlatform(draft.platform),
      argv: [program, ...rest],
      env: variablesOf(draft, mounts),
      cwd: draft.cwd,
      user: draft.config.user,
      network: runNetwork(instruction, build.steps),
      security: runSecurity(instruction, build.steps),
      mounts: [...sharedMemory(build.steps), ...volumes(build.steps), ...script, ...mounts],
      devices,
      ...surroundings(build),
    },
    { text, source, more: inputs },
  );
  draft.recordLayer(`RUN ${words.join(' ')} # buildkit`);
}

interface Command {
  readonly words: readonly string[];
  /** The file that they run, where the Dockerfile itself holds it. */
  readonly script: readonly RunMount[];
}

/** For the shell, as in BuildKit: a heredoc itself, or the file of one that names another interpreter (dockerfile.md 55). */
function commandOf({ command }: RunInstruction, shell: readonly string[]): Command {
  if (command.form !== 'heredoc') return { words: commandWords(command, shell), script: [] };
  const { name, content } = command.heredoc;
  if (!content.startsWith('#!')) return { words: commandWords({ form: 'shell', script: content }, shell), script: [] };
  const target = posix.join('/dev/pipes', name);
  return {
    words: commandWords({ form: 'shell', script: target }, shell),
    script: [{ type: 'file', target, content, mode: 0o755 }],
  };
}

/** What the command sees: with an agent to ask, also where it is, unless the image says something else. */
function variablesOf({ variables }: StageDraft, mounts: readonly RunMount[]): readonly string[] {
  const agent = mounts.find(({ type }) => type === 'ssh');
  const env = [...variables].map(([name, value]) => `${name}=${value}`);
  if (agent?.target === undefined || variables.has('SSH_AUTH_SOCK')) return env;
  return [...env, `SSH_AUTH_SOCK=${agent.target}`];
}

function sharedMemory({ shmSizeBytes }: StepSettings): readonly RunMount[] {
  if (shmSizeBytes === undefined) return [];
  return [{ type: 'tmpfs', target: '/dev/shm', sizeBytes: shmSizeBytes, readonly: false }];
}

function volumes({ volumes: given = [] }: StepSettings): readonly RunMount[] {
  return given.map((volume) => ({ type: 'volume', ...volume }));
}

function surroundings({ given, steps }: BuildScope): Pick<RunOperation, 'hostname' | 'hosts' | 'limits'> {
  const hostname = given.get('BUILDKIT_SANDBOX_HOSTNAME') ?? '';
  return {
    ...(hostname === '' ? {} : { hostname }),
    ...(steps.hosts.length === 0 ? {} : { hosts: steps.hosts }),
    ...(steps.limits.length === 0 ? {} : { limits: steps.limits }),
  };
}

/** `|2 A=1 B=2`: how many arguments there are, and what each is worth now, in the order of their first declarations. */
function runArguments({ declaredArguments, variables }: StageDraft): readonly string[] {
  if (declaredArguments.size === 0) return [];
  const settings = [...declaredArguments].map(([name, declared]) => `${name}=${variables.get(name) ?? declared}`);
  return [`|${declaredArguments.size}`, ...settings];
}

/** Where the build was told to keep steps from the host's network, to take it needs leave. */
function runNetwork({ network, text, source }: RunInstruction, steps: StepSettings): StepNetwork {
  if (network === 'default') return steps.network;
  if (network === 'none' || steps.network === 'host' || steps.entitlements.includes('network.host')) return network;
  throw new TsbuildError(
    'DOCKERFILE_SEMANTICS',
    `cannot run "${text}": the build keeps steps from the host's network`,
    {
      hint: 'Remove --network=host from the step, or build with --network host or --allow network.host.',
      source,
    },
  );
}

/** CVE-2024-23653: a Dockerfile does not give itself rights over the machine. */
function runSecurity({ security, text, source }: RunInstruction, steps: StepSettings): 'sandbox' | 'insecure' {
  if (security === 'sandbox' || steps.entitlements.includes('security.insecure')) return security;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot run "${text}": the build does not allow security.insecure`, {
    hint: 'Such a step may do what the one who builds may do. Allow it with --allow security.insecure, or remove --security=insecure.',
    source,
  });
}
