import type { Definition } from '../../bake/definition/read-definition.js';
import { textOf } from '../../bake/target/field.js';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { usageError } from '../argv.js';
import { plainLine } from '../text/terminal-text.js';
import { formatTable } from '../text/table.js';

const BAKE = { command: 'tsbuild bake' };

/** What `--list` prints: names and descriptions, in docker buildx's layout. @throws `USAGE` */
export function listDefinition(word: string, definition: Definition): string {
  const { type, format } = wantedOf(word);
  return type === 'targets' ? listTargets(definition, format) : listVariables(definition, format);
}

interface Wanted {
  readonly type: 'targets' | 'variables';
  readonly format: 'table' | 'json';
}

function wantedOf(word: string): Wanted {
  const pairs = (readCsvFields(word) ?? []).map(({ text }) => {
    const equals = text.indexOf('=');
    return equals < 0 ? (['type', text] as const) : ([text.slice(0, equals), text.slice(equals + 1)] as const);
  });
  const values = new Map(pairs);
  const [type, format = 'table'] = [values.get('type'), values.get('format')];
  const unknown = [...values.keys()].find((key) => key !== 'type' && key !== 'format');
  if (
    (type === 'targets' || type === 'variables') &&
    (format === 'table' || format === 'json') &&
    unknown === undefined
  ) {
    return { type, format };
  }
  throw usageError(BAKE, `cannot use --list "${word}": there is nothing like it to list`, 'Use targets or variables.');
}

function listTargets({ targets, groups }: Definition, format: Wanted['format']): string {
  const rows = [
    ...groups.map(({ name, description, targets: of }) => ({
      name,
      description: description ?? of.join(', '),
      group: true,
    })),
    ...targets
      .filter(({ name }) => !groups.some((group) => group.name === name))
      .map((target) => ({ name: target.name, description: textOf(target, 'description') ?? '', group: false })),
  ].sort((left, right) => orderOf(left.name, right.name));
  if (format === 'json') return json(rows.map(withoutEmpty));
  return formatTable([
    ['TARGET', 'DESCRIPTION'],
    ...rows.map(({ name, description }) => [name, plainLine(description)]),
  ]);
}

/** What is built without a name comes first. */
function orderOf(left: string, right: string): number {
  if (left === 'default' || right === 'default') return left === 'default' ? -1 : 1;
  return left < right ? -1 : 1;
}

function listVariables({ variables }: Definition, format: Wanted['format']): string {
  const rows = [...variables].sort((left, right) => (left.name < right.name ? -1 : 1));
  if (format === 'json') {
    return json(rows.map(({ name, description, type, value }) => withoutEmpty({ name, description, type, value })));
  }
  const cells = rows.map(({ name, type = '', value = '<null>', description = '' }) => [
    name,
    type,
    plainLine(value),
    plainLine(description),
  ]);
  return formatTable([['VARIABLE', 'TYPE', 'VALUE', 'DESCRIPTION'], ...cells]);
}

function withoutEmpty(row: object): object {
  return Object.fromEntries(
    Object.entries(row).filter(([, cell]) => cell !== undefined && cell !== '' && cell !== false),
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
