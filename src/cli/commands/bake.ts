import { parseOverride, type Override } from '../../bake/target/override.js';
import { resolveTargets, type ResolvedTargets } from '../../bake/target/resolve-targets.js';
import type { Definition } from '../../bake/definition/read-definition.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { readBakeDefinition } from '../bake/read-definition.js';
import type { Command } from '../command.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';

const BAKE = { command: 'tsbuild bake' };

export async function run(parsed: ParsedArguments, host: Host, commands: readonly Command[]): Promise<void> {
  const [first] = parsed.positionals;
  if (first !== undefined && /^(?:[a-z]+:\/\/|git@)/.test(first)) {
    throw usageError(
      BAKE,
      `cannot bake "${first}": definitions are read from this machine only`,
      'Fetch it first, and name the file with -f.',
    );
  }
  const listed = parsed.value('list');
  const flags = ['print', 'dry-run'].filter((name) => parsed.flag(name));
  const instead = listed === undefined ? flags : ['list', ...flags];
  if (instead.length > 1)
    throw usageError(BAKE, `cannot use ${instead.map((name) => `--${name}`).join(' and ')} together`);
  const definition = await readBakeDefinition(parsed, host);
  if (listed !== undefined) {
    const { listDefinition } = await import('../bake/list-definition.js');
    await print(host.stdout, listDefinition(listed, definition));
    return;
  }
  const resolved = resolve(definition, parsed, host);
  if (parsed.flag('print')) {
    const { printTargets } = await import('../../bake/target/print-targets.js');
    await print(host.stdout, printTargets(resolved));
    return;
  }
  const { bakeTargets } = await import('../bake/bake-targets.js');
  await bakeTargets(resolved, { parsed, host, commands });
}

function resolve(definition: Definition, parsed: ParsedArguments, host: Host): ResolvedTargets {
  const wanted = parsed.positionals.length === 0 ? ['default'] : parsed.positionals;
  return resolveTargets(definition, wanted, { overrides: overridesOf(parsed), env: (name) => host.env[name] });
}

/** Options for all targets are overrides of all, after the ones that are written as such. */
function overridesOf(parsed: ParsedArguments): readonly Override[] {
  const call = parsed.value('call') ?? (parsed.flag('check') ? 'check' : undefined);
  const words = [
    ...parsed.list('set'),
    ...(parsed.flag('push') ? ['*.push=true'] : []),
    ...(parsed.flag('load') ? ['*.load=true'] : []),
    ...(call === undefined ? [] : [`*.call=${call.split(',')[0] ?? ''}`]),
    ...given(parsed, 'no-cache'),
    ...given(parsed, 'pull'),
    ...attestations(parsed),
  ];
  return words.map(parseOverride);
}

/** A flag that is off says something, too. */
function given(parsed: ParsedArguments, name: string): readonly string[] {
  const value = parsed.value(name);
  return value === undefined ? [] : [`*.${name}=${value}`];
}

function attestations(parsed: ParsedArguments): readonly string[] {
  return (['sbom', 'provenance'] as const).flatMap((type) => {
    const value = parsed.value(type);
    if (value === undefined || value === '') return [];
    if (value === 'true' || value === 'false') return [`*.attest=type=${type},disabled=${value === 'false'}`];
    return [`*.attest=type=${type},${value}`];
  });
}
