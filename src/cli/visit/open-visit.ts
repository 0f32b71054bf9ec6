import type { Writable } from 'node:stream';
import type { Visit } from '../../builder/visit.js';
import type { ProgramOrder } from '../../sandbox/attachment.js';
import { showAsGiven, type TerminalSize } from '../../support/pseudo-terminal.js';
import { TsbuildError } from '../../support/errors.js';
import type { Host } from '../host.js';
import { isTerminal, writableOf, type OutputStream } from '../output-stream.js';
import { signalNumber } from './signal-number.js';

export interface Visitor {
  /** Whether standard input is passed on. */
  readonly input: boolean;
  readonly terminal: boolean;
}

export interface VisitOptions extends Visitor {
  /** Where what the program shows goes. */
  readonly output: OutputStream;
  /** What SIGTERM becomes, as of STOPSIGNAL. */
  readonly stopSignal?: string | undefined;
  /** Aborted when a program that does not end has been told to often enough. */
  readonly kill: AbortController;
}

/** As Docker has it: keys can only come from a terminal. @throws `USAGE` */
export function requireTerminal(host: Host, { input }: Visitor): void {
  if (host.stdin.isTTY === true) return;
  if (!input && [host.stdout, host.stderr].some(isTerminal)) return;
  throw new TsbuildError('USAGE', 'cannot give the program a terminal: standard input is no terminal', {
    hint: 'Leave -t out, or start tsbuild in a terminal.',
  });
}

/** SIGINT and SIGTERM; as with Docker, the last one is no request any more. */
const PATIENCE = 3;

/**
 * Attaches a program to the terminal, or the pipes, that this process has. Until it is disposed of, keys and signals are the program's.
 * However this process ends, Node leaves its terminal as it found it.
 */
export function openVisit(host: Host, { input, terminal, output, stopSignal, kill }: VisitOptions): Visit {
  const stdin = input ? host.stdin : undefined;
  const listeners = new Set<(order: ProgramOrder) => void>();
  const send = (order: ProgramOrder): void => {
    for (const listener of listeners) listener(order);
  };
  let asked = 0;
  const signals = host.takeSignals((name) => {
    if (name === 'SIGINT' || name === 'SIGTERM') asked += 1;
    if (asked === PATIENCE) kill.abort(name);
    const stop = name === 'SIGTERM' && stopSignal !== undefined ? signalNumber(stopSignal) : undefined;
    send({ type: 'signal', signal: stop ?? name });
  });
  const screen = screenOf(host, output);
  const resized = (): void => {
    send({ type: 'resize', size: sizeOf(screen) });
  };
  if (terminal) screen.on('resize', resized);
  const raw = terminal && stdin?.isTTY === true;
  if (raw) {
    stdin.setRawMode?.(true);
    if (stdin.fd !== undefined) showAsGiven(stdin.fd);
  }
  return {
    attachment: {
      stdin,
      terminal: terminal ? sizeOf(screen) : undefined,
      listen: (listener) => {
        listeners.add(listener);
        return { [Symbol.dispose]: () => listeners.delete(listener) };
      },
    },
    stdout: writableOf(output),
    stderr: writableOf(host.stderr),
    [Symbol.dispose]: () => {
      if (raw) stdin.setRawMode?.(false);
      screen.off('resize', resized);
      signals[Symbol.dispose]();
    },
  };
}

function screenOf({ stdout, stderr }: Host, output: OutputStream): Writable & OutputStream {
  return [output, stdout, stderr].find(isTerminal) ?? writableOf(output);
}

/** Of a window that does not say how large it is, a terminal's of old. */
function sizeOf({ columns = 0, rows = 0 }: OutputStream): TerminalSize {
  return { columns: columns === 0 ? 80 : columns, rows: rows === 0 ? 24 : rows };
}
