import { PassThrough, Readable, Writable } from 'node:stream';
import type { ProgressEvent } from '../../../src/builder/progress.js';
import type { Host } from '../../../src/cli/host.js';
import type { Toolchain, ToolchainOptions } from '../../../src/toolchain/toolchain-types.js';

export interface TestHost extends Host {
  readonly output: () => string;
  readonly errors: () => string;
  /** What the toolchain was opened with. */
  readonly opened: Pick<ToolchainOptions, 'storeRoot' | 'additionalStores' | 'registries'>[];
}

export interface TestHostOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  readonly toolchain?: Partial<Toolchain>;
  readonly signal?: AbortSignal;
  readonly stdoutIsTerminal?: boolean;
  readonly uid?: number;
}

/** 2024-01-10T12:00:00Z */
export const NOW: number = Date.UTC(2024, 0, 10, 12);

export function testHost(options: TestHostOptions = {}): TestHost {
  const output = memoryStream(options.stdoutIsTerminal ?? false);
  const errors = memoryStream(false);
  const opened: Pick<ToolchainOptions, 'storeRoot' | 'additionalStores' | 'registries'>[] = [];
  return {
    env: options.env ?? {},
    cwd: options.cwd ?? '/nowhere',
    home: '/home/user',
    uid: options.uid ?? 1000,
    stdin: options.stdin === undefined ? new PassThrough().end() : Readable.from([Buffer.from(options.stdin)]),
    stdout: output.stream,
    stderr: errors.stream,
    signal: options.signal ?? new AbortController().signal,
    takeSignals: () => ({ [Symbol.dispose]: () => undefined }),
    now: () => NOW,
    openToolchain: (given) => {
      const { storeRoot, additionalStores = [], registries } = given;
      opened.push({
        storeRoot,
        ...(additionalStores.length === 0 ? {} : { additionalStores }),
        ...(registries === undefined ? {} : { registries }),
      });
      return Promise.resolve(fakeToolchain(options.toolchain ?? {}));
    },
    sources: new Map(),
    output: output.text,
    errors: errors.text,
    opened,
  };
}

/** A toolchain that can do what the test gives it, and fails loudly at anything else. */
function fakeToolchain(methods: Partial<Toolchain>): Toolchain {
  const base = { [Symbol.asyncDispose]: () => Promise.resolve(), ...methods };
  return new Proxy(base, {
    get(target, name) {
      if (Reflect.has(target, name) || name === 'then') return Reflect.get(target, name);
      throw new Error(`the test gave no ${String(name)}`);
    },
  }) as Toolchain;
}

function memoryStream(isTTY: boolean): { stream: Writable & { isTTY: boolean }; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => Buffer.concat(chunks).toString('utf8') };
}

export function log(step: string, at: number, text: string | Buffer): ProgressEvent {
  return { type: 'step-log', step, at, stream: 'stdout', chunk: Buffer.from(text) };
}
