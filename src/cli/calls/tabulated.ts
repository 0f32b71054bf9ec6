import { plainLine } from '../text/terminal-text.js';

/** Rows as Go's text/tabwriter aligns them: every column but the last is as wide as its widest cell and some blanks. */
export function tabulated(rows: readonly (readonly string[])[], padding: number): string {
  const cells = rows.map((row) => row.map(plainLine));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + padding)))
      .join('');
  return cells.map((row) => `${line(row)}\n`).join('');
}
