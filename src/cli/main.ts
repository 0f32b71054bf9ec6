import { availableParallelism, homedir } from 'node:os';
import { basename } from 'node:path';
import { DirectOutput, directTarget } from './direct-output.js';
import type { Host } from './host.js';
import type { OutputStream } from './output-stream.js';
import { runCli } from './run-cli.js';

/** 128 and the signal's number, as shells report it. */
const EXIT_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

interface Signals {
  readonly signal: AbortSignal;
  readonly take: Host['takeSignals'];
}

/** The first signal cancels, and what was begun is cleaned up; the second ends the process at once. Unless somebody takes them. */
function handleSignals(): Signals {
  const controller = new AbortController();
  const takers: ((signal: NodeJS.Signals) => void)[] = [];
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const taker = takers.at(-1);
      if (taker !== undefined) taker(name);
      else if (controller.signal.aborted) process.exit(EXIT_STATUS[name]);
      else controller.abort(name);
    });
  }
  const take: Host['takeSignals'] = (listener) => {
    takers.push(listener);
    for (const name of FURTHER_SIGNALS) process.on(name, listener);
    return {
      [Symbol.dispose]: () => {
        takers.splice(takers.indexOf(listener), 1);
        for (const name of FURTHER_SIGNALS) process.off(name, listener);
      },
    };
  };
  return { signal: controller.signal, take };
}

/** What else a program may be sent, and ends this process unless it is taken. */
const FURTHER_SIGNALS = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;

/** `write` reports a closed pipe to its caller; without a listener the event would end the process as well. */
function withoutErrorEvents(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on('error', () => undefined);
}

const opened = new Map<number, OutputStream>();

/** Standard output or standard error, at the first use. */
function output(descriptor: 1 | 2): OutputStream {
  const known = opened.get(descriptor);
  if (known !== undefined) return known;
  const open = (): NodeJS.WriteStream => withoutErrorEvents(descriptor === 1 ? process.stdout : process.stderr);
  const direct = directTarget(descriptor);
  const stream = direct === undefined ? open() : new DirectOutput(direct, open);
  opened.set(descriptor, stream);
  return stream;
}

function processHost({ signal, take }: Signals): Host {
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    uid: process.getuid?.() ?? 0,
    // Opening one has a cost, and most commands need not pay for all three.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return output(1);
    },
    get stderr() {
      return output(2);
    },
    signal,
    takeSignals: take,
    now: Date.now,
    openToolchain: async (options) => {
      const { createToolchain } = await import('../toolchain.js');
      return createToolchain(options);
    },
    sources: new Map(),
  };
}

/** Threads of libuv, which gzip compresses on. More would cost memory, and compress no faster than a disk writes. */
const MAX_POOL = 16;

/** libuv has four threads unless told otherwise before the first of them is needed. */
function useAllCores(): void {
  const cores = availableParallelism();
  if (cores > 4) process.env['UV_THREADPOOL_SIZE'] ??= String(Math.min(cores, MAX_POOL));
}

/** Under the name of kaniko's program, as a link of that name, it is that command. */
function wordsOf([, program = '', ...words]: readonly string[]): readonly string[] {
  return basename(program) === 'executor' ? ['executor', ...words] : words;
}

async function main(): Promise<void> {
  useAllCores();
  const status = await runCli(wordsOf(process.argv), processHost(handleSignals()));
  // Not left to the event loop: a connection that a registry keeps open would hold the process for seconds.
  process.exit(status);
}

void main();
