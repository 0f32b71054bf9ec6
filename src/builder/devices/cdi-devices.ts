import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Yaml from 'yaml';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import { decodeSpecification, type CdiDevice } from './cdi-specification.js';

/** Those of large machines have some 100 KiB. */
const MAX_BYTES = 4 << 20;

/** The devices of this machine that specifications describe. Those of a later folder replace those of one before. */
export class CdiDevices {
  /** Sorted by name; several of one name are of one folder, and none of them can be used. */
  readonly #devices: readonly (readonly [name: string, devices: readonly CdiDevice[]])[];

  /** @param directories absolute; missing ones have none. @throws `CONFIG_INVALID` for a file that is no specification */
  constructor(directories: readonly string[]) {
    const byName = new Map<string, readonly CdiDevice[]>();
    for (const directory of directories) {
      const found = new Map<string, readonly CdiDevice[]>();
      for (const device of specificationsIn(directory).flatMap(readSpecification)) {
        found.set(device.name, [...(found.get(device.name) ?? []), device]);
      }
      for (const [name, devices] of found) byName.set(name, devices);
    }
    this.#devices = [...byName].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  /**
   * The devices that a step asks for, as BuildKit reads it: `vendor/class` is the first of its kind, `vendor/class=*` all of them,
   * `vendor/class=name` one by its name, or all that have the name for an alias. None where there are none.
   * @throws `CONFIG_INVALID` for one that several specifications have
   */
  find(wanted: string): readonly CdiDevice[] {
    const [kind = '', name = ''] = wanted.split('=');
    const ofKind = this.#devices.filter(([full]) => full.startsWith(`${kind}=`));
    if (name === '') return ofKind.slice(0, 1).map(onlyOne);
    if (name === '*') return ofKind.map(onlyOne);
    const named = ofKind.filter(([full]) => full === wanted);
    return (named.length > 0 ? named : ofKind.filter(([, [device]]) => device?.alias === name)).map(onlyOne);
  }

  /** @throws `USAGE` always, with what there is */
  refuse(wanted: string): never {
    const names = this.#devices.map(([name]) => name);
    const near = suggest(wanted, names);
    const known = names.length === 0 ? 'There is no specification of any device.' : `There are ${names.join(', ')}.`;
    throw new TsbuildError('USAGE', `cannot give device "${wanted}": this machine has no such device`, {
      hint: `${near === undefined ? '' : `Did you mean "${near}"? `}${known} Specifications are read from /etc/cdi, /var/run/cdi and --cdi-config-dir.`,
    });
  }
}

function onlyOne([name, devices]: readonly [string, readonly CdiDevice[]]): CdiDevice {
  const [device, other] = devices;
  if (device !== undefined && other === undefined) return device;
  throw new TsbuildError('CONFIG_INVALID', `cannot give device "${name}": several specifications have it`, {
    hint: 'Remove all of them but one.',
  });
}

function specificationsIn(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory).filter((name) => /\.(?:json|ya?ml)$/.test(name));
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadable(directory, error);
  }
}

function readSpecification(file: string): readonly CdiDevice[] {
  let text: string;
  try {
    if (!statSync(file).isFile()) return [];
    text = readFileSync(file, 'utf8').slice(0, MAX_BYTES);
  } catch (error) {
    throw unreadable(file, error);
  }
  return decodeSpecification(parseDocument(text, file), file);
}

/** YAML 1.1, as Go's libraries read it: `0666` is octal. JSON is a part of it. */
function parseDocument(text: string, file: string): unknown {
  const { parse } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  try {
    return parse(text, { version: '1.1', maxAliasCount: 100, logLevel: 'error' });
  } catch (error) {
    const [reason = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw new TsbuildError('CONFIG_INVALID', `cannot use device specification "${file}": ${reason}`, {
      hint: 'Correct the file, or have the tool of the device write it anew.',
      cause: error,
    });
  }
}

function unreadable(path: string, cause: unknown): TsbuildError {
  const code = systemErrorCode(cause) ?? 'it cannot be read';
  return new TsbuildError('CONFIG_INVALID', `cannot read device specification "${path}": ${code}`, {
    hint: 'Check who may read it.',
    cause,
  });
}
