import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { formatEntry, formatSsh } from '../../bake/target/entry.js';
import { cleanContext } from '../../bake/target/print-targets.js';
import { entriesOf, listOf, mapOf, textOf, truthOf, type MapField, type Target } from '../../bake/target/field.js';
import type { OptionSpec } from '../argv.js';
import { usageError } from '../argv.js';
import { isAddress } from '../sources/is-address.js';

const BAKE = { command: 'tsbuild bake' };

/** Of a target's words and of no command line. */
export const TARGET_OPTIONS: readonly OptionSpec[] = [
  { name: 'called', kind: 'value', about: '', hidden: true },
  { name: 'dockerfile-inline', kind: 'value', about: '', hidden: true },
];

/**
 * A target as the command line of `tsbuild build` that would build it: so it means there what it means here.
 * @throws `USAGE` for what only a command line can have
 */
export async function targetWords(target: Target, cwd: string): Promise<readonly string[]> {
  const context = cleanContext(textOf(target, 'context') ?? '.');
  const inline = textOf(target, 'dockerfile-inline');
  const file = inline === undefined ? await dockerfileOf(target, context, cwd) : `${target.name}, dockerfile-inline`;
  if (context === '-' || file === '-') {
    throw usageError(BAKE, `cannot build target "${target.name}": standard input is for definition files only`);
  }
  return [
    `--called=${target.name}`,
    ...(inline === undefined ? [] : [`--dockerfile-inline=${inline}`]),
    `--file=${file}`,
    ...pairs(target, 'args', 'build-arg'),
    ...pairs(target, 'labels', 'label'),
    ...pairs(target, 'extra-hosts', 'add-host'),
    ...[...mapOf(target, 'contexts')].map(([name, value]) => `--build-context=${name}=${localContext(value)}`),
    ...[...mapOf(target, 'resources')].map(([name, value]) => resourceWord(target, name, value)),
    ...lists(target),
    ...entries(target),
    ...texts(target),
    ...(['pull', 'no-cache'] as const).flatMap((name) => (truthOf(target, name) === true ? [`--${name}`] : [])),
    '--',
    context,
  ];
}

function localContext(value: string): string {
  return value.startsWith('cwd://') ? value.slice('cwd://'.length) || '.' : value;
}

/** In a local context, like there with another spelling where the usual one is missing; else its path within the context. */
async function dockerfileOf(target: Target, context: string, cwd: string): Promise<string> {
  const file = textOf(target, 'dockerfile') ?? 'Dockerfile';
  if (file.startsWith('cwd://')) return resolve(cwd, file.slice('cwd://'.length));
  if (isAbsolute(file) || file === '-' || /^https?:\/\//.test(file) || isAddress(context)) return file;
  const path = join(context, file);
  if (file !== 'Dockerfile' || (await isThere(path, cwd))) return path;
  const small = join(context, 'dockerfile');
  return (await isThere(small, cwd)) ? small : path;
}

async function isThere(path: string, cwd: string): Promise<boolean> {
  return (await stat(resolve(cwd, path)).catch(() => undefined)) !== undefined;
}

function pairs(target: Target, field: MapField, option: string): readonly string[] {
  return [...mapOf(target, field)].map(([name, value]) => `--${option}=${name}=${value}`);
}

/** Options that take a target's resources by the same name. */
const RESOURCES: readonly string[] = [
  ...['memory', 'memory-swap', 'cpu-shares', 'cpu-period', 'cpu-quota', 'cpuset-cpus', 'cpuset-mems'],
];

function resourceWord({ name: target }: Target, name: string, value: string): string {
  if (RESOURCES.includes(name)) return `--${name}=${value}`;
  throw usageError(
    BAKE,
    `cannot build target "${target}": there is no resource "${name}"`,
    `There are ${RESOURCES.join(', ')}.`,
  );
}

function lists(target: Target): readonly string[] {
  const named = [
    ['annotations', 'annotation'],
    ['tags', 'tag'],
    ['platforms', 'platform'],
    ['no-cache-filter', 'no-cache-filter'],
    ['ulimits', 'ulimit'],
    ['entitlements', 'allow'],
  ] as const;
  return named.flatMap(([field, option]) => listOf(target, field).map((value) => `--${option}=${value}`));
}

function entries(target: Target): readonly string[] {
  const named = ['attest', 'cache-from', 'cache-to', 'secret', 'output'] as const;
  return [
    ...named.flatMap((field) => entriesOf(target, field).map((entry) => `--${field}=${formatEntry(entry)}`)),
    ...entriesOf(target, 'ssh').map((entry) => `--ssh=${formatSsh(entry)}`),
  ];
}

function texts(target: Target): readonly string[] {
  return (['target', 'network', 'shm-size'] as const).flatMap((name) => {
    const text = textOf(target, name) ?? '';
    return text === '' ? [] : [`--${name}=${text}`];
  });
}
