import stringWidth from 'string-width';

/** Where frames are drawn: the size may change between two of them, and a terminal may not know it (0). */
export interface DrawingStream {
  readonly write: (text: string) => unknown;
  readonly columns: number;
  readonly rows: number;
}

// DEC private modes: synchronized output (2026, which terminals that lack it ignore), the cursor (25), and wrapping at the right
// edge (7): what is wider than was thought, as some terminals draw emoji, is cut off by the terminal then and takes one row.
const BEGIN = '\x1b[?2026h\x1b[?25l\x1b[?7l';
const END = '\x1b[?7h\x1b[?25h\x1b[?2026l';
const ERASE_LINE = '\x1b[2K';
// Cursor down (ECMA-48 8.3.19): unlike a line feed, it never scrolls.
const DOWN = '\x1b[B';
const ERASE_BELOW = '\x1b[J';

/**
 * Draws frames over each other at the place of the cursor, each in one write that leaves the terminal as it was: whoever is killed
 * between two of them leaves no mess. The cursor stands below the frame.
 */
export class Screen {
  readonly #stream: DrawingStream;
  readonly #rewraps: boolean;
  /** Columns of each line that is on the terminal. */
  #widths: readonly number[] = [];
  #columns = 0;
  #last = '';

  /** @param rewraps whether the terminal breaks lines that have become too long for it */
  constructor(stream: DrawingStream, { rewraps }: { readonly rewraps: boolean }) {
    this.#stream = stream;
    this.#rewraps = rewraps;
  }

  get columns(): number {
    return this.#stream.columns > 0 ? this.#stream.columns : 80;
  }

  get rows(): number {
    return this.#stream.rows > 0 ? this.#stream.rows : 24;
  }

  /** @param frame lines without control characters but for colors; lines that have no room are left out */
  draw(frame: string): void {
    const { columns } = this;
    if (frame === this.#last && columns === this.#columns) return;
    const lines = frame.split('\n').slice(0, this.rows - 1);
    const start = columns === this.#columns ? up(this.#height()) : this.#erase();
    const body = lines.map((line) => `${ERASE_LINE}${line}\n`).join('');
    this.#stream.write(`${BEGIN}${start}${body}${ERASE_BELOW}${END}`);
    this.#widths = lines.map((line) => stringWidth(line));
    this.#columns = columns;
    this.#last = frame;
  }

  /** Takes the frame away. */
  clear(): void {
    if (this.#widths.length > 0) this.#stream.write(`${BEGIN}${this.#erase()}${END}`);
    this.#widths = [];
    this.#last = '';
  }

  /**
   * Row by row: when all of the screen is erased at once, tmux and others put what was there into the scrollback. What a terminal
   * that broke lines has put there itself, as it had no room for them, cannot be reached.
   */
  #erase(): string {
    const height = Math.min(this.#height(), this.rows - 1);
    return `${up(this.#height())}${`${ERASE_LINE}${DOWN}`.repeat(height)}${up(height)}`;
  }

  /** In rows of the terminal as it is now. */
  #height(): number {
    const { columns } = this;
    return this.#widths.reduce((sum, width) => sum + (this.#rewraps ? rowsOf(width, columns) : 1), 0);
  }
}

/** To the beginning of a row that is so many rows above, or of the first. */
function up(rows: number): string {
  return rows === 0 ? '\r' : `\r\x1b[${rows}A`;
}

function rowsOf(width: number, columns: number): number {
  return Math.max(1, Math.ceil(width / columns));
}
