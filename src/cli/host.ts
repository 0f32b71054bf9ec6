import type { Readable } from 'node:stream';
import type { Toolchain, ToolchainOptions } from '../toolchain/toolchain-types.js';
import type { OutputStream } from './output-stream.js';

/**
 * What the command line has of the world around it. `main.ts` makes it of the process; tests make it of strings.
 * Nothing else in this folder touches `process`.
 */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly home: string;
  readonly uid: number;
  /** `setRawMode` is there when it is a terminal: whether each key comes as it is pressed, is not echoed, and is no signal. */
  readonly stdin: Readable & {
    readonly isTTY?: boolean;
    readonly setRawMode?: (raw: boolean) => unknown;
    readonly fd?: number;
  };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborted by the first SIGHUP, SIGINT or SIGTERM, whose name is the reason. */
  readonly signal: AbortSignal;
  /** Until it is disposed of, signals go to the listener, and abort nothing; all that a program may be sent, the terminal's too. */
  readonly takeSignals: (listener: (signal: NodeJS.Signals) => void) => Disposable;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly openToolchain: (options: ToolchainOptions) => Promise<Toolchain>;
  /** Where errors may point into: the text of each source file read, by the name it goes by in messages. */
  readonly sources: Map<string, string>;
}
