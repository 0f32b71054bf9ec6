import type { Outline, OutlinedSecret } from '../../builder/outline/outline.js';
import { location } from './check-json.js';
import { tabulated } from './tabulated.js';

/** What a build can be given, as `docker build --call=outline` prints it. */
export function outlineText({ name, description, args, secrets, ssh }: Outline): string {
  const target = [
    ...(name === undefined ? [] : [['TARGET:', name]]),
    ...(description === undefined ? [] : [['DESCRIPTION:', description]]),
  ];
  const rows = args.map((one) => [one.name, one.value ?? '', one.description ?? '']);
  return [
    block(target, 1),
    block(rows.length === 0 ? [] : [['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3),
    block(secretRows('SECRET', secrets), 3),
    block(secretRows('SSH', ssh), 3),
  ].join('');
}

function secretRows(title: string, all: readonly OutlinedSecret[]): readonly (readonly string[])[] {
  if (all.length === 0) return [];
  return [[title, 'REQUIRED'], ...all.map(({ name, required }) => [name, required ? 'true' : ''])];
}

function block(rows: readonly (readonly string[])[], padding: number): string {
  return rows.length === 0 ? '' : `${tabulated(rows, padding)}\n`;
}

/** As `docker build --call=outline,format=json` prints it. */
export function outlineJson({ name, description, args, secrets, ssh }: Outline, text: string): string {
  const document = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...listed('args', args.map(argumentJson)),
    ...listed('secrets', secrets.map(secretJson)),
    ...listed('ssh', ssh.map(secretJson)),
    sources: [Buffer.from(text).toString('base64')],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** BuildKit leaves out what is empty. */
function listed(name: string, all: readonly object[]): Readonly<Record<string, readonly object[]>> {
  return all.length === 0 ? {} : { [name]: all };
}

function argumentJson({ name, description, value = '', source }: Outline['args'][number]): object {
  return {
    name,
    ...(description !== undefined && { description }),
    ...(value !== '' && { value }),
    location: location(source),
  };
}

function secretJson({ name, required, source }: OutlinedSecret): object {
  return { name, ...(required && { required }), location: location(source) };
}
