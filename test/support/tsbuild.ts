import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command line. */
export const CLI: string = fileURLToPath(new URL('../../dist/bin/tsbuild.js', import.meta.url));

export interface CliResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Beside PATH and HOME, the whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Interrupts the command, as Ctrl-C does, once its stderr matches. */
  readonly interruptAt?: RegExp;
  /** A program with its options, such as strace, that runs the command line given after them. */
  readonly under?: readonly string[];
  /** Kills the command, and all that it has started, without mercy after this time. */
  readonly killAfterMs?: number;
}

/** Runs the built command line to its end. */
export function tsbuild(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { env = {}, cwd, input = '', interruptAt, under = [], killAfterMs } = options;
  const base = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' };
  const [program = process.execPath, ...words] = [...under, process.execPath, CLI, ...args];
  // In a group of its own, so that what it runs can be killed with it.
  const detached = killAfterMs !== undefined;
  const child = spawn(program, words, { cwd, env: { ...base, ...env }, stdio: 'pipe', detached });
  const killer = detached ? setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), killAfterMs) : undefined;
  const output = { stdout: '', stderr: '' };
  let interrupted = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
    if (interrupted || interruptAt?.test(output.stderr) !== true) return;
    interrupted = true;
    child.kill('SIGINT');
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      clearTimeout(killer);
      resolve({ exitCode, signal, ...output });
    });
  });
}
