import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wrapsAgain } from '../../../../src/cli/text/rewrap.js';
import { Screen } from '../../../../src/cli/tui/screen.js';

/** A terminal of ASCII that breaks lines anew when its width changes, or cuts them off. Lines are whole: what was broken is joined. */
class Terminal {
  columns: number;
  // For all that a frame takes when its lines are broken.
  readonly rows = 200;
  readonly #breaks: boolean;
  #lines: string[] = [''];
  /** Of the cursor, in rows as they are shown. */
  #row = 0;

  constructor(columns: number, breaks: boolean) {
    this.columns = columns;
    this.#breaks = breaks;
  }

  shown(): string[] {
    return this.#physical().map((line) => line.trimEnd());
  }

  resize(columns: number): void {
    const at = this.#logicalRow();
    this.columns = columns;
    if (!this.#breaks) this.#lines = this.#lines.map((line) => line.slice(0, columns));
    // The cursor stays in its line, which is empty.
    this.#row = this.#lines.slice(0, at).reduce((sum, line) => sum + this.#height(line), 0);
  }

  write(text: string): void {
    for (const [piece] of text.matchAll(/\x1b\[[?\d]*[a-zA-Z]|[^\x1b\n\r]+|\n|\r/g)) this.#obey(piece);
  }

  #obey(piece: string): void {
    if (piece === '\n') this.#row += 1;
    else if (piece.startsWith('\x1b[?') || piece === '\r') return;
    else if (/^\x1b\[\d+A$/.test(piece)) this.#row = Math.max(0, this.#row - Number(piece.slice(2, -1)));
    else if (piece === '\x1b[B') this.#row = Math.min(this.rows - 1, this.#row + 1);
    else if (piece === '\x1b[2K') this.#set('');
    else if (piece === '\x1b[J') this.#lines = this.#physical().slice(0, this.#row);
    else this.#set(piece);
    while (this.#physical().length <= this.#row) this.#lines.push('');
  }

  #set(text: string): void {
    const rows = this.#physical();
    rows[this.#row] = text.slice(0, this.columns);
    this.#lines = rows;
  }

  #height(line: string): number {
    return this.#breaks ? Math.max(1, Math.ceil(line.length / this.columns)) : 1;
  }

  #physical(): string[] {
    return this.#lines.flatMap((line) =>
      Array.from({ length: this.#height(line) }, (_, row) => line.slice(row * this.columns, (row + 1) * this.columns)),
    );
  }

  #logicalRow(): number {
    let rows = 0;
    return this.#lines.findIndex((line) => (rows += this.#height(line)) > this.#row);
  }
}

describe('Screen', () => {
  test.each([
    ['breaks lines anew', true],
    ['cuts lines off', false],
  ])('leaves nothing of a frame behind on a terminal that %s, however it is resized', (_, rewraps) => {
    const frames = fc.array(
      fc.record({
        columns: fc.integer({ min: 5, max: 60 }),
        widths: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 10 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(frames, (each) => {
        const terminal = new Terminal(each[0]?.columns ?? 80, rewraps);
        terminal.write('$ b\n');
        const screen = new Screen(terminal, { rewraps });
        for (const { columns, widths } of each) {
          terminal.resize(columns);
          const lines = widths.map((width, line) => String(line % 10).repeat(Math.min(width, columns)));
          screen.draw(lines.join('\n'));
          expect(terminal.shown()).toEqual(['$ b', ...lines, '']);
        }
        screen.clear();
        expect(terminal.shown().join('')).toBe('$ b');
      }),
      { numRuns: 25 },
    );
  });

  test('writes a frame in one piece that leaves wrapping and the cursor as they are, and the same frame once', () => {
    const written: string[] = [];
    const screen = new Screen({ write: (text) => written.push(text), columns: 80, rows: 24 }, { rewraps: true });
    screen.draw('a\nb');
    screen.draw('a\nb');
    expect(written).toEqual(['\x1b[?2026h\x1b[?25l\x1b[?7l\r\r\x1b[2Ka\n\x1b[2Kb\n\x1b[J\x1b[?7h\x1b[?25h\x1b[?2026l']);
    screen.clear();
    screen.clear();
    expect(written.slice(1)).toEqual([
      '\x1b[?2026h\x1b[?25l\x1b[?7l\r\x1b[2A\x1b[2K\x1b[B\x1b[2K\x1b[B\r\x1b[2A\x1b[?7h\x1b[?25h\x1b[?2026l',
    ]);
  });

  test('leaves out lines that would scroll, also where the terminal has become lower', () => {
    const size = { columns: 80, rows: 3 };
    const written: string[] = [];
    new Screen({ ...size, write: (text) => written.push(text) }, { rewraps: true }).draw('a\nb\nc');
    expect(written.join('')).not.toContain('c\n');
  });
});

test.each([
  [{ TERM: 'xterm-256color' }, true],
  [{ TERM: 'xterm-256color', XTERM_VERSION: 'XTerm(379)' }, false],
  [{ TERM: 'tmux-256color', TMUX: '/tmp/tmux', XTERM_VERSION: 'XTerm(379)' }, true],
  [{ TERM: 'screen', STY: '1.pts' }, false],
  [{ TERM: 'linux' }, false],
])('of %j it is known whether it breaks lines anew', (env, expected) => {
  expect(wrapsAgain(env)).toBe(expected);
});
