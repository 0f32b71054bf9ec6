import { resolve } from 'node:path';
import type { BuildOutput, ByteSink } from '../build-output.js';
import { readCsvFields } from '../parser/instructions/csv-fields.js';
import { suggest } from '../support/suggest.js';
import { usageError, type ParsedArguments } from './argv.js';
import type { Host } from './host.js';
import { pour } from './output-stream.js';

const BUILD = { command: 'tsbuild build' };

export interface ReadOutputs {
  readonly outputs: readonly BuildOutput[];
  /** Further names of the image. */
  readonly names: readonly string[];
  /** Of the image's manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly usesStandardOutput: boolean;
}

/** What `-o`, `--push` and `--load` ask for, in docker buildx's spelling; nothing for an image in the store. @throws `USAGE` */
export function readOutputs(parsed: ParsedArguments, host: Host): ReadOutputs {
  const words = [
    ...parsed.list('output'),
    ...(parsed.flag('push') ? ['type=registry'] : []),
    ...(parsed.flag('load') ? ['type=docker'] : []),
  ];
  const read = words.map((word) => readOutput(new Attributes(word), host));
  const toStandardOutput = read.filter(({ output }) => 'to' in output && typeof output.to === 'function');
  if (toStandardOutput.length > 1) {
    throw usageError(BUILD, 'cannot use --output: two results go to standard output', 'Give one of them a file.');
  }
  return {
    outputs: read.map(({ output }) => output),
    names: read.flatMap(({ names }) => names),
    annotations: Object.assign({}, ...read.map(({ annotations }) => annotations)) as Record<string, string>,
    usesStandardOutput: toStandardOutput.length > 0,
  };
}

interface ReadOutput {
  readonly output: BuildOutput;
  readonly names: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

type Reader = (attributes: Attributes, host: Host) => BuildOutput;

const READERS: Readonly<Record<string, Reader>> = {
  image: imageOutput,
  registry: imageOutput,
  docker: (attributes, host) =>
    attributes.has('dest') ? archiveOutput(attributes, host, 'docker-archive') : { type: 'engine' },
  oci: (attributes, host) =>
    attributes.truth('tar') === false
      ? { type: 'layout', folder: attributes.path(host) }
      : archiveOutput(attributes, host, 'oci-archive'),
  tar: (attributes, host) => ({ type: 'tar', to: attributes.sink(host) }),
  local: (attributes, host) => ({ type: 'local', folder: attributes.path(host) }),
  cacheonly: () => ({ type: 'cacheonly' }),
};

function readOutput(attributes: Attributes, host: Host): ReadOutput {
  const type = attributes.take('type') ?? '';
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (reader === undefined) {
    const types = Object.keys(READERS);
    const state = type === '' ? 'it has no type' : `there is no type "${type}"`;
    const near = suggest(type, types);
    throw attributes.refused(
      state,
      near === undefined ? `The types are ${types.join(', ')}.` : `Did you mean ${near}?`,
    );
  }
  if (type === 'registry') attributes.set('push', 'true');
  const names = (attributes.take('name') ?? '').split(',').filter((name) => name !== '');
  const annotations = attributes.annotations();
  const output = reader(attributes, host);
  attributes.end(type);
  return { output, names, annotations };
}

function imageOutput(attributes: Attributes): BuildOutput {
  const push = attributes.truth('push') ?? false;
  const compression = attributes.choice('compression', ['gzip', 'zstd'] as const);
  const docker = attributes.truth('oci-mediatypes') === false;
  // Layers of all sorts are sent in one compression anyhow.
  attributes.truth('force-compression');
  if (!push) {
    if (compression !== undefined || docker) {
      throw attributes.refused(
        'without push, layers stay as they are',
        'Add push=true, or leave the compression to "tsbuild push".',
      );
    }
    return { type: 'image' };
  }
  return { type: 'image', push: { compression, format: docker ? 'docker' : undefined } };
}

function archiveOutput(attributes: Attributes, host: Host, format: 'docker-archive' | 'oci-archive'): BuildOutput {
  return { type: 'archive', format, to: attributes.sink(host) };
}

/** What builders write by themselves, or what would change nothing here. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['store', 'unpack', 'attestation-inline', 'dangling-name-prefix']);

/** `type=…,key=value`; a word alone is `type=local,dest=` it, and `-` is `type=tar,dest=-`. */
class Attributes {
  readonly #word: string;
  readonly #values = new Map<string, string>();

  constructor(word: string) {
    this.#word = word;
    if (!word.includes('=')) {
      this.#values.set('type', word === '-' ? 'tar' : 'local');
      this.#values.set('dest', word);
      return;
    }
    const fields = readCsvFields(word);
    if (fields === undefined)
      throw this.refused('it is no line of CSV', 'Write type=…,key=value, with quotes around a comma.');
    for (const { text } of fields) {
      const equals = text.indexOf('=');
      if (equals < 1) throw this.refused(`"${text}" is not of the form key=value`, 'Write type=…,key=value.');
      const key = text.slice(0, equals).trim().toLowerCase();
      this.#values.set(key, text.slice(equals + 1));
    }
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: string): void {
    if (!this.#values.has(key)) this.#values.set(key, value);
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  truth(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (['true', '1', ''].includes(value)) return true;
    if (['false', '0'].includes(value)) return false;
    throw this.refused(`${key} is neither true nor false`, `Write ${key}=true or ${key}=false.`);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const choice = choices.find((one) => one === value);
    if (choice === undefined) throw this.refused(`there is no ${key} "${value}"`, `Use ${choices.join(' or ')}.`);
    return choice;
  }

  /** `annotation.KEY` and `annotation-manifest.KEY`, with their prefixes taken off. */
  annotations(): Readonly<Record<string, string>> {
    const found: [string, string][] = [];
    for (const [key, value] of this.#values) {
      const name = /^annotation(?:-manifest)?\.(.+)$/.exec(key)?.[1];
      if (name === undefined) continue;
      found.push([name, value]);
      this.#values.delete(key);
    }
    return Object.fromEntries(found);
  }

  path(host: Host): string {
    const dest = this.take('dest') ?? '';
    if (dest === '') throw this.refused('it has no dest', 'Add dest=PATH.');
    if (dest === '-') throw this.refused('a folder cannot go to standard output', 'Add dest=FOLDER, or use type=tar.');
    return resolve(host.cwd, dest);
  }

  sink(host: Host): string | ByteSink {
    const dest = this.take('dest') ?? '-';
    if (dest !== '-') return resolve(host.cwd, dest);
    if (host.stdout.isTTY === true) {
      throw this.refused('standard output is a terminal', 'Add dest=FILE, or redirect standard output.');
    }
    return async (content) => {
      await pour(content, host.stdout, { what: 'to standard output', signal: host.signal });
    };
  }

  /** Nothing is passed over in silence. */
  end(type: string): void {
    for (const key of this.#values.keys()) {
      if (WITHOUT_EFFECT.has(key)) continue;
      throw this.refused(
        `type=${type} takes no ${key} here`,
        'See "Outputs" in docs/outputs.md for what each type takes.',
      );
    }
  }

  refused(state: string, hint: string): Error {
    return usageError(BUILD, `cannot use --output "${this.#word}": ${state}`, hint);
  }
}
