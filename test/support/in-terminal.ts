import { spawn, spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { openPseudoTerminal, setTerminalSize, type TerminalSize } from '../../src/support/pseudo-terminal.js';

/** A program in a terminal of its own, and who sits before it. */
export interface InTerminal {
  readonly type: (keys: string) => void;
  /** Waits until what is shown, from the last thing waited for on, matches. @returns the match */
  readonly until: (pattern: RegExp) => Promise<string>;
  readonly resize: (size: TerminalSize) => void;
  /** The exit status, and whether the terminal was left as it was: keys are echoed, and come by lines. */
  readonly end: () => Promise<{ readonly status: number | null; readonly restored: boolean; readonly shown: string }>;
}

export interface InTerminalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

const PATIENCE_MS = 15_000;

/** Starts a program with 80 by 24 characters. */
export function inTerminal(argv: readonly string[], options: InTerminalOptions): InTerminal {
  const size = { columns: 80, rows: 24 };
  const { control, terminal } = openPseudoTerminal('/dev/ptmx', { uid: process.getuid?.() ?? 0, size });
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { ...options, stdio: [terminal, terminal, terminal] });
  const stream = new ReadStream(control);
  let shown = '';
  let seen = 0;
  let check = (): void => undefined;
  // How the kernel says that nobody has the terminal open.
  stream.on('error', () => undefined);
  stream.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    check();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => {
      check();
      resolve(status);
    });
  });
  return {
    type: (keys) => void stream.write(keys),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          child.kill('SIGKILL');
          reject(new Error(`${String(pattern)} was never shown, but:\n${shown.slice(seen)}`));
        }, PATIENCE_MS);
        check = () => {
          const match = pattern.exec(shown.slice(seen));
          if (match === null) return;
          clearTimeout(late);
          check = () => undefined;
          seen += match.index + match[0].length;
          resolve(match[0]);
        };
        check();
      }),
    resize: (next) => {
      setTerminalSize(control, next);
      // It has no terminal that controls it, as our own children do not.
      child.kill('SIGWINCH');
    },
    end: async () => {
      const status = await ended;
      const restored = isRestored(terminal);
      closeSync(terminal);
      stream.destroy();
      return { status, restored, shown };
    },
  };
}

function isRestored(terminal: number): boolean {
  const { stdout } = spawnSync('stty', ['-a'], { stdio: [terminal, 'pipe', 'ignore'], encoding: 'utf8' });
  const settings = stdout.split(/\s+/);
  return ['icanon', 'echo', 'isig'].every((name) => settings.includes(name));
}
