import type { RunSpec } from '../../../sandbox/run-spec.js';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { RunOperation } from '../../operation.js';
import type { ExecutionContext } from '../../solver/operation-handler.js';
import type { FailedStep, OpenVisit } from '../../visit.js';

export interface FailedRun {
  readonly seen: Omit<FailedStep, 'shell'>;
  /** With which it ran. */
  readonly spec: RunSpec;
  readonly operation: RunOperation;
  readonly sandbox: Sandbox;
}

/**
 * Opens a shell where a RUN has failed: over the files as it left them, with its mounts, environment, directory and user, once no
 * other step is at work any more. Resolves when the visitor has left.
 */
export async function visitFailedRun(
  openVisit: OpenVisit,
  { seen, spec, operation, sandbox }: FailedRun,
  context: ExecutionContext,
): Promise<void> {
  if (sandbox.attachable !== true) {
    const message = `no shell can be opened in the failed step: the sandbox "${sandbox.name}" gives no terminal`;
    context.progress({ type: 'notice', message });
    return;
  }
  await context.stopOthers();
  const shell = shellOf(operation);
  using visit = await openVisit({ ...seen, shell });
  const { attachment, stdout, stderr } = visit;
  const env = { TERM: 'xterm', ...spec.env };
  await sandbox.run({ ...spec, argv: [shell], env }, { stdout, stderr, attachment, signal: context.signal });
}

/** The one that was to run it (SHELL), or the one that every image with a shell has. */
function shellOf({ argv: [program, ...args] }: RunOperation): string {
  return args.includes('-c') && program.startsWith('/') ? program : '/bin/sh';
}
