/** One field of a value that is a line of CSV; offsets are into that line, quotes included. */
export interface CsvField {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The fields of one line as Go's encoding/csv has them: a field in double quotes may hold commas, and `""` for a quote.
 * `undefined` for an empty line and for a quote that stands elsewhere or is not closed.
 */
export function readCsvFields(line: string): readonly CsvField[] | undefined {
  if (line === '') return undefined;
  const fields: CsvField[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let from = 0; ; from = field.lastIndex) {
    field.lastIndex = from;
    const match = field.exec(line);
    if (match === null) return undefined;
    const [whole, quoted, plain = '', comma = ''] = match;
    fields.push({
      text: quoted === undefined ? plain : quoted.replaceAll('""', '"'),
      from,
      to: from + whole.length - comma.length,
    });
    if (comma === '') return fields;
  }
}
