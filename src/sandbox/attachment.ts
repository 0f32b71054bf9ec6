import type { Readable } from 'node:stream';
import type { TerminalSize } from '../support/pseudo-terminal.js';

/** What a running program can be sent. */
export type ProgramOrder =
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals | number }
  | { readonly type: 'resize'; readonly size: TerminalSize };

/** Somebody who is there while a program runs. */
export interface Attachment {
  /** What the program reads. Its end is the program's; it is left open when the program ends before. Absent: nothing to read. */
  readonly stdin?: Readable | undefined;
  /** A terminal of this size is all three streams of the program, and the one that controls it; what is shown comes by `stdout`. */
  readonly terminal?: TerminalSize | undefined;
  /** Calls with each order for the program, until it is disposed of. */
  readonly listen: (listener: (order: ProgramOrder) => void) => Disposable;
}
