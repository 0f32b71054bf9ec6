import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseDotenv } from '../../../src/bake/compose/dotenv.js';
import { loadDefinition } from '../../../src/bake/load-definition.js';
import { parseOverride } from '../../../src/bake/target/override.js';
import { printTargets } from '../../../src/bake/target/print-targets.js';
import { resolveTargets } from '../../../src/bake/target/resolve-targets.js';

// What docker buildx 0.29.1 gives of these files: `docker buildx bake --print` with the words of words.json.
const folder = fileURLToPath(new URL('definitions', import.meta.url));

async function readText(...path: string[]): Promise<string> {
  return await readFile([folder, ...path].join('/'), 'utf8');
}

/** As the command line has them: `--set` and the names of targets. */
function wordsOf(all: readonly string[]): { readonly set: readonly string[]; readonly targets: readonly string[] } {
  const set = all.filter((_, index) => all[index - 1] === '--set');
  const targets = all.filter((word, index) => word !== '--set' && all[index - 1] !== '--set');
  return { set, targets: targets.length === 0 ? ['default'] : targets };
}

async function print(name: string): Promise<string> {
  const names = readdirSync(`${folder}/${name}`);
  const files = names.filter((file) => file.startsWith('docker-'));
  const { set, targets } = wordsOf(JSON.parse(await readText(name, 'words.json')) as string[]);
  const dotenv = names.includes('dotenv')
    ? parseDotenv(await readText(name, 'dotenv'), '.env', () => undefined)
    : new Map();
  const definition = await loadDefinition(
    await Promise.all(files.map(async (file) => ({ name: file, text: await readText(name, file) }))),
    {
      lookUp: () => undefined,
      home: '/root',
      sourceDateEpoch: undefined,
      builtIn: new Map([['BAKE_CMD_CONTEXT', 'cwd://']]),
      compose: { variables: (variable) => dotenv.get(variable) as string | undefined },
    },
  );
  return printTargets(resolveTargets(definition, targets, { overrides: set.map(parseOverride), env: () => undefined }));
}

describe('a definition is understood as docker buildx does', () => {
  test.each(readdirSync(folder))('%s', async (name) => {
    expect(await print(name)).toBe(await readText(name, 'expected.json'));
  });
});
