import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TmuxOptions {
  /** For its socket. */
  readonly folder: string;
  readonly columns: number;
  readonly rows: number;
  readonly env: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 20_000;

/** A terminal that breaks lines anew when its width changes, has a scrollback, and can be looked at; with a shell in it. */
export class Tmux implements Disposable {
  readonly #socket: string;

  constructor({ folder, columns, rows, env }: TmuxOptions) {
    this.#socket = join(folder, 'tmux');
    const variables = Object.entries({ PS1: '$ ', ...env }).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    this.#tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), ...variables, 'exec sh');
  }

  type(line: string): void {
    this.#tmux('send-keys', line, 'Enter');
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The lines of the scrollback and of the screen, without blanks and empty lines at their end. */
  lines(): readonly string[] {
    const text = this.#tmux('capture-pane', '-p', '-S', '-');
    return text.trimEnd().split('\n');
  }

  /** Waits until what is there is as it should be. @returns what it was then */
  async until(what: string, isSo: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const lines = this.lines();
      if (isSo(lines)) return lines;
      if (Date.now() > end) throw new Error(`there is never ${what}, but:\n${lines.join('\n')}`);
      await sleep(50);
    }
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server');
  }

  #tmux(...words: readonly string[]): string {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' };
    return execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', this.#socket, ...words], { env, encoding: 'utf8' });
  }
}
