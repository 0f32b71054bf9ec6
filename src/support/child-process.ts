import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { TsbuildError } from './errors.js';

export type { ChildProcess } from 'node:child_process';

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  /** The whole environment of the program: nothing is inherited. `file` without a slash is looked up in its PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Of stdout and stderr each; 1 MiB unless given. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A command that was ended because it took too long (`ETIMEDOUT`) or wrote too much (`ENOBUFS`). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: 'ETIMEDOUT' | 'ENOBUFS';
  constructor(code: 'ETIMEDOUT' | 'ENOBUFS', message: string) {
    super(message);
    this.code = code;
  }
}

const DEFAULT_OUTPUT_BYTES = 1 << 20;

/**
 * Runs a program to its end and collects what it writes. No shell is involved. A failing exit is a result, not an error.
 * @throws a system error (`ENOENT`, `EACCES`) when it cannot be started; `CommandError`; `ABORTED`
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  if (options.signal?.aborted === true) throw aborted(file, options.signal);
  // A process group of its own, so that what the program started dies with it.
  const child = spawn(file, args, { env: options.env, cwd: options.cwd, stdio: 'pipe', detached: true });
  const deadline = armed(child, file, options);
  try {
    const limit = options.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
    const finished = Promise.all([
      exitOf(child),
      collect(child.stdout, limit, file),
      collect(child.stderr, limit, file),
      feed(child.stdin, options.input),
    ]);
    // `deadline` may lose the race and reject later; a rejection without a listener would end the process.
    const [exit, stdout, stderr] = await Promise.race([finished, deadline.passed]);
    return { ...exit, stdout, stderr };
  } catch (error) {
    killGroup(child);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    if (child.pid !== undefined) await exitOf(child);
    throw error;
  } finally {
    deadline.disarm();
  }
}

export interface ProcessOptions {
  /** The whole environment of the program: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** As in node:child_process; `'ipc'` at an index opens a channel that `send()` and `'message'` use. */
  readonly stdio: StdioOptions;
  /** What the program sees as its own name, when that is not `file`. */
  readonly argv0?: string;
  /** A session and process group of its own, which keys pressed at the terminal do not signal. */
  readonly detached?: boolean;
  /** How values cross an IPC channel; `advanced` is the structured clone, with its Buffers and bigints. */
  readonly serialization?: 'json' | 'advanced';
}

/**
 * Starts a program that the caller talks to, and ends. No shell is involved.
 * @throws a system error (`ENOENT`, `EACCES`) when it cannot be started
 */
export async function spawnProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ChildProcess> {
  const child = spawn(file, args, options);
  if (child.pid === undefined) await once(child, 'spawn');
  return child;
}

/** How a child ended, whether that is past or to come. Its streams may still hold output. */
export async function exitOf(
  child: ChildProcess,
): Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { exitCode: child.exitCode, signal: child.signalCode };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}

function aborted(file: string, signal: AbortSignal): TsbuildError {
  return new TsbuildError('ABORTED', `cannot finish "${file}": it was cancelled`, { cause: signal.reason });
}

interface Deadline {
  readonly passed: Promise<never>;
  readonly disarm: () => void;
}

function armed(child: ChildProcess, file: string, { timeoutMs, signal }: CommandOptions): Deadline {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const passed = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal === undefined ? new Error('no signal') : aborted(file, signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeoutMs !== undefined) {
      const late = `cannot finish "${file}": it took longer than ${timeoutMs} ms`;
      timer = setTimeout(() => {
        reject(new CommandError('ETIMEDOUT', late));
      }, timeoutMs);
    }
    child.once('error', reject);
  });
  passed.catch(() => undefined);
  return {
    passed,
    disarm: () => {
      clearTimeout(timer);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    },
  };
}

async function collect(stream: Readable, limit: number, file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new CommandError('ENOBUFS', `cannot read "${file}": it wrote more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A program need not read all of its input: EPIPE is its good right. */
async function feed(stdin: Writable, input: string | Uint8Array | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdin.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve();
      else reject(error);
    });
    stdin.once('close', resolve);
    stdin.end(input ?? '');
  });
}
