import { readSync } from 'node:fs';
import { constants } from 'node:os';
import { exitOf, spawnProcess } from '../support/child-process.js';
import { closeDescriptor, openPipe } from '../support/syscalls.js';
import { setupFailure } from './attempt.js';

export interface Init {
  /** Settles when process 1 is gone; all others of its namespace are then gone too (pid_namespaces(7)). */
  readonly gone: Promise<unknown>;
}

/**
 * Starts process 1 of the pid namespace that the calling thread's next child is born into, and waits until it has mounted /proc
 * in the working directory. It ends when the last writing end of the pipe `control` is closed.
 */
export async function startInit(program: string, control: number): Promise<Init> {
  const status = openPipe();
  try {
    const init = await spawnProcess(program, [], {
      env: {},
      stdio: [control, status.write, 'ignore'],
      detached: true,
      argv0: 'tsbuild-init',
    });
    closeDescriptor(status.write);
    const gone = exitOf(init);
    // Blocks this thread, which has nothing else to do, for less than a turn of its event loop takes.
    const mounted = readSync(status.read, Buffer.alloc(1)) === 1;
    if (mounted) return { gone };
    const { exitCode } = await gone;
    throw setupFailure('mount "/proc"', errnoName(exitCode ?? 0));
  } finally {
    closeDescriptor(status.read);
  }
}

function errnoName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}
