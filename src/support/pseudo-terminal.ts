import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import { closeDescriptor, ioctl, O_CLOEXEC } from './syscalls.js';

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A pair of descriptors: what is typed is written to `control`, what is shown is read from it; programs have `terminal`. */
export interface PseudoTerminal {
  readonly control: number;
  readonly terminal: number;
}

/** Of ioctl_tty(2). The numbers are the same on x86-64 and arm64. */
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;

/**
 * Opens a new terminal of a devpts file system, by its `ptmx`. It belongs to `uid`, as whoever a person logs in as owns theirs, and to
 * the group of the file system.
 */
export function openPseudoTerminal(
  ptmx: string,
  owner: { readonly uid: number; readonly size: TerminalSize },
): PseudoTerminal {
  const flags = constants.O_RDWR | constants.O_NOCTTY;
  const control = openSync(ptmx, flags);
  let terminal: number | undefined;
  try {
    ioctl(control, TIOCSPTLCK, Buffer.alloc(4));
    setTerminalSize(control, owner.size);
    // By the descriptor: its name is that of another one wherever another devpts is mounted.
    terminal = ioctl(control, TIOCGPTPEER, flags | O_CLOEXEC);
    fchownSync(terminal, owner.uid, -1);
    return { control, terminal };
  } catch (error) {
    if (terminal !== undefined) closeDescriptor(terminal);
    closeSync(control);
    throw error;
  }
}

/** Bytes of the kernel's struct termios, which has the output flags behind the input flags; the first of them is OPOST. */
const TERMIOS_BYTES = 36;
const OUTPUT_FLAGS = 4;
const OPOST = 1;

/**
 * Has a terminal show what it is given byte for byte: Node's raw mode goes on turning line feeds into new lines (ONLCR), which another
 * terminal has done already, or has not for a reason. Leaving Node's raw mode undoes it.
 */
export function showAsGiven(descriptor: number): void {
  const settings = Buffer.alloc(TERMIOS_BYTES);
  ioctl(descriptor, TCGETS, settings);
  settings.writeUInt32LE((settings.readUInt32LE(OUTPUT_FLAGS) & ~OPOST) >>> 0, OUTPUT_FLAGS);
  ioctl(descriptor, TCSETS, settings);
}

/** What runs in the foreground there is told by SIGWINCH. */
export function setTerminalSize(descriptor: number, { columns, rows }: TerminalSize): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(Math.min(rows, 0xffff), 0);
  size.writeUInt16LE(Math.min(columns, 0xffff), 2);
  ioctl(descriptor, TIOCSWINSZ, size);
}
