import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { cleanContext } from '../../bake/target/print-targets.js';
import { entriesOf, listOf, mapOf, textOf, type Target } from '../../bake/target/field.js';
import { parseOverride, type Override } from '../../bake/target/override.js';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { isAddress } from '../sources/is-address.js';

const BAKE = { command: 'tsbuild bake' };
const PLAIN: ReadonlySet<string> = new Set([
  'ssh',
  'network.host',
  'security.insecure',
  'device',
  'fs',
  'fs.read',
  'fs.write',
]);

/** What `--allow` lets a definition have, which may be somebody else's. */
export class Leave {
  readonly #cwd: string;
  readonly #words: ReadonlySet<string>;
  readonly #readable: readonly string[];
  readonly #writable: readonly string[];

  private constructor(cwd: string, words: readonly string[], paths: Pick<Paths, 'readable' | 'writable'>) {
    this.#cwd = cwd;
    this.#words = new Set(words);
    this.#readable = paths.readable;
    this.#writable = paths.writable;
  }

  /** @throws `USAGE` */
  static async of(parsed: ParsedArguments, { cwd, env }: Pick<Host, 'cwd' | 'env'>): Promise<Leave> {
    const words = parsed.list('allow');
    for (const word of words) {
      const [name = ''] = word.split('=');
      if (!PLAIN.has(name))
        throw usageError(
          BAKE,
          `cannot use --allow "${word}": there is nothing like it`,
          `There are ${[...PLAIN].join(', ')}.`,
        );
    }
    // As docker buildx has it, for those who trust all their definitions.
    const all = env['BUILDX_BAKE_ENTITLEMENTS_FS'] === '0' ? ['fs=*'] : [];
    const set = parsed.list('set').map(parseOverride).flatMap(setWords);
    return new Leave(cwd, [...words, ...set], await pathsOf([...words, ...all, ...set], cwd));
  }

  /** @throws `USAGE` for what the target takes and has no leave for */
  async check(target: Target): Promise<void> {
    for (const path of readPaths(target)) await this.#checkPath(target, path, 'read');
    for (const path of writtenPaths(target)) await this.#checkPath(target, path, 'write');
    for (const entitlement of listOf(target, 'entitlements')) {
      // Steps are in the host's network anyhow, unless they ask for another.
      if (entitlement === 'network.host' && textOf(target, 'network') === 'host') continue;
      if (!this.#words.has(entitlement) && !this.#words.has(entitlement.split('=')[0] ?? '')) {
        throw needs(target, `the entitlement "${entitlement}"`, entitlement);
      }
    }
    const usesAgent = entriesOf(target, 'ssh').some((entry) => (entry.get('paths') ?? '') === '');
    if (usesAgent && !this.#words.has('ssh')) throw needs(target, 'the SSH agent', 'ssh');
  }

  async #checkPath(target: Target, path: string, access: 'read' | 'write'): Promise<void> {
    const real = await realPath(resolve(this.#cwd, path));
    const roots = access === 'read' ? this.#readable : this.#writable;
    if (roots.some((root) => root === '*' || isWithin(root, real))) return;
    throw needs(target, `to ${access} "${path}"`, `fs.${access}=${path}`);
  }
}

/** What the command line itself sets needs no further leave. */
function setWords({ key, value = '' }: Override): readonly string[] {
  if (key === 'entitlements') return [value];
  if (key === 'ssh') return agentWords(value);
  const fields = (readCsvFields(value) ?? []).map(({ text }) => text);
  const path = (name: RegExp): readonly string[] => fields.flatMap((field) => name.exec(field)?.[1] ?? []);
  switch (key) {
    case 'output':
    case 'cache-to':
      return [...path(/^dest=(.*)$/s), ...(value.includes('=') ? [] : [value])].map((one) => `fs.write=${one}`);
    case 'cache-from':
    case 'secret':
    case 'secrets':
      return path(/^(?:src|source)=(.*)$/s).map((one) => `fs.read=${one}`);
    default:
      return [];
  }
}

function agentWords(value: string): readonly string[] {
  if (!value.includes('=')) return ['ssh'];
  const paths = value.slice(value.indexOf('=') + 1).split(',');
  return paths.map((path) => `fs.read=${path}`);
}

interface Paths {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
}

/** The current folder is always among them. */
async function pathsOf(words: readonly string[], cwd: string): Promise<Paths> {
  const [readable, writable] = [[await realPath(cwd)], [await realPath(cwd)]];
  for (const word of words) {
    const [, access, path] = /^fs(?:\.(read|write))?(?:=(.*))?$/s.exec(word) ?? [undefined, undefined, undefined];
    if (!word.startsWith('fs')) continue;
    const root = path === undefined || path === '' || path === '*' ? '*' : await realPath(resolve(cwd, path));
    if (access !== 'write') readable.push(root);
    if (access !== 'read') writable.push(root);
  }
  return { readable, writable };
}

/** Of what need not be there: links in what is there are followed. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPath(parent), basename(path));
  }
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith('../'));
}

function readPaths(target: Target): readonly string[] {
  const contexts = [textOf(target, 'context') ?? '.', ...mapOf(target, 'contexts').values()];
  const local = contexts.flatMap(localPath);
  const file = textOf(target, 'dockerfile') ?? 'Dockerfile';
  const [context] = localPath(textOf(target, 'context') ?? '.');
  const isInline = textOf(target, 'dockerfile-inline') !== undefined;
  const named = file.startsWith('cwd://') ? file.slice('cwd://'.length) : join(context ?? '.', file);
  return [
    ...local,
    ...(isInline || /^https?:\/\//.test(file) ? [] : [isAbsolute(file) ? file : named]),
    ...entriesOf(target, 'secret').flatMap((entry) => entry.get('src') ?? []),
    ...entriesOf(target, 'ssh').flatMap((entry) => (entry.get('paths') ?? '').split(',').filter((path) => path !== '')),
    ...entriesOf(target, 'cache-from').flatMap((entry) =>
      entry.get('type') === 'local' ? (entry.get('src') ?? []) : [],
    ),
  ];
}

function localPath(context: string): readonly string[] {
  const layout = /^oci-layout:\/\/([^@]*?)(?::[^/@]*)?(?:@.*)?$/.exec(context)?.[1];
  if (layout !== undefined) return [layout];
  if (/^(?:docker-image|target):/.test(context)) return [];
  const path = cleanContext(context);
  return isAddress(path) ? [] : [path === '' ? '.' : path];
}

function writtenPaths(target: Target): readonly string[] {
  const files = (['output', 'cache-to'] as const).flatMap((field) =>
    entriesOf(target, field).flatMap((entry) => entry.get('dest') ?? []),
  );
  return files.filter((path) => path !== '-');
}

function needs({ name }: Target, what: string, word: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot build target "${name}": it wants ${what}, and has no leave to`, {
    hint: `If you trust the definition, add --allow ${/[\s*]/.test(word) ? `'${word}'` : word}.`,
  });
}
