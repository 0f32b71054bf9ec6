/**
 * Columns aligned with three spaces between them, as Docker's tables are; the first row is the heading.
 * @param narrowest columns that one takes at least, without the spaces
 */
export function formatTable(rows: readonly (readonly string[])[], narrowest = 0): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    return rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), narrowest);
  });
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** At most `length` characters, the last one an ellipsis where something is missing. */
export function ellipsis(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}
