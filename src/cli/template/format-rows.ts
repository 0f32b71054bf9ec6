import { formatTable } from '../text/table.js';
import { parseTemplate } from './parse-template.js';
import { renderTemplate } from './render-template.js';
import { templateError } from './template-error.js';

/** What a listing shows of each thing, by Docker's names: `{{.Repository}}`. */
export type Row = Readonly<Record<string, string>>;

/** The columns of a listing, with their headings. */
export type Headings = Readonly<Record<string, string>>;

export interface RowFormat {
  readonly headings: Headings;
  /** Columns of the table that is shown unless another is asked for. */
  readonly columns: readonly string[];
}

/**
 * How `--format` of a listing shows rows: `table`, `table TEMPLATE` with a heading, `json` (an object a line), or a template
 * for each. As in Docker's, `\t` and `\n` in a template stand for a tab and a new line.
 * @throws `USAGE`
 */
export function rowFormatter(format: string, shape: RowFormat): (rows: readonly Row[]) => string {
  const [, custom] = /^table\s+(\S[\s\S]*)$/.exec(format) ?? [];
  if (format === 'table') return (rows) => plainTable(rows, shape);
  if (format === 'json') return (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (!format.includes('{{'))
    throw templateError(format, 'no such format', 'Use table, json or a template such as {{.ID}}.');
  const template = parseTemplate((custom ?? format).replaceAll('\\t', '\t').replaceAll('\\n', '\n'));
  const show = (row: Row): string => renderTemplate(template, row);
  if (custom === undefined) return (rows) => rows.map((row) => `${show(row)}\n`).join('');
  return (rows) =>
    formatTable(
      [shape.headings, ...rows].map((row) => show(row).split('\t')),
      NARROWEST,
    );
}

/** Docker's listings have no column of less than ten, the space behind it counted. */
const NARROWEST = 7;

function plainTable(rows: readonly Row[], { headings, columns }: RowFormat): string {
  return formatTable(
    [headings, ...rows].map((row) => columns.map((column) => row[column] ?? '')),
    NARROWEST,
  );
}
