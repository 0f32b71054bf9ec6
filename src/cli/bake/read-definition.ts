import { readdir } from 'node:fs/promises';
import { loadDefinition, DEFAULT_FILES, noDefinition, type DefinitionFile } from '../../bake/load-definition.js';
import { parseDotenv } from '../../bake/compose/dotenv.js';
import type { Definition } from '../../bake/definition/read-definition.js';
import { parseGoBoolean } from '../../parser/go-boolean.js';
import { formatPlatform, hostPlatform } from '../../oci/platform.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { readOptionFile } from '../sources/context-files.js';
import type { Host } from '../host.js';
import { textFromStdin } from '../sources/standard-input.js';

const BAKE = { command: 'tsbuild bake' };

/** The definition files that a command line names, or those of the current folder. @throws `CONFIG_INVALID`, `CONTEXT_INVALID` */
export async function readBakeDefinition(parsed: ParsedArguments, host: Host): Promise<Definition> {
  const files = await readFiles(parsed, host);
  const given = variablesOf(parsed.list('var'));
  const envCounts = parseGoBoolean(host.env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] ?? '') !== true;
  const lookUp = (name: string): string | undefined => given.get(name) ?? (envCounts ? host.env[name] : undefined);
  const dotenv = files.some(({ name }) => /\.ya?ml$/i.test(name))
    ? await readDotenv(host, lookUp)
    : new Map<string, string>();
  return await loadDefinition(files, {
    lookUp,
    home: host.home,
    sourceDateEpoch: epochOf(host.env['SOURCE_DATE_EPOCH']),
    builtIn: new Map([
      ['BAKE_CMD_CONTEXT', 'cwd://'],
      ['BAKE_LOCAL_PLATFORM', formatPlatform(hostPlatform())],
    ]),
    compose: { variables: (name) => lookUp(name) ?? dotenv.get(name) },
  });
}

function epochOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function variablesOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const equals = word.indexOf('=');
      if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
      throw usageError(BAKE, `cannot use --var "${word}": it is not of the form NAME=VALUE`);
    }),
  );
}

async function readFiles(parsed: ParsedArguments, host: Host): Promise<readonly DefinitionFile[]> {
  const names = namesOf(parsed.list('file'), host.env);
  const wanted = names.length > 0 ? names : await usualFiles(host.cwd);
  if (wanted.length === 0) throw noDefinition();
  if (wanted.filter((name) => name === '-').length > 1) {
    throw usageError(BAKE, 'cannot use "-" twice: there is one standard input');
  }
  const files: DefinitionFile[] = [];
  for (const name of wanted) {
    const file = name === '-' ? await textFromStdin(host) : await readOptionFile(name, host.cwd, 'definition file');
    host.sources.set(file.name, file.text);
    files.push(file);
  }
  return files;
}

/** Of `-f`, else of the variable that docker buildx has for it. */
function namesOf(given: readonly string[], env: Host['env']): readonly string[] {
  const separator = env['BUILDX_BAKE_PATH_SEPARATOR'] ?? '';
  const usual = (env['BUILDX_BAKE_FILE'] ?? '').split(separator === '' ? ':' : separator);
  const names = given.length > 0 ? given : usual.map((name) => name.trim()).filter((name) => name !== '');
  return names.map((name) => (name.startsWith('cwd://') ? name.slice('cwd://'.length) : name));
}

async function usualFiles(cwd: string): Promise<readonly string[]> {
  const present = new Set(await readdir(cwd));
  return DEFAULT_FILES.filter((name) => present.has(name));
}

/** Variables of compose files that nothing else sets. */
async function readDotenv(
  host: Host,
  lookUp: (name: string) => string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const present = new Set(await readdir(host.cwd));
  if (!present.has('.env')) return new Map();
  const { name, text } = await readOptionFile('.env', host.cwd, 'file of variables');
  host.sources.set(name, text);
  return parseDotenv(text, name, lookUp);
}
