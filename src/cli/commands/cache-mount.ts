import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { PrunedCacheMount } from '../../toolchain/care/store-care-types.js';
import { systemErrorCode } from '../../support/errors.js';
import { writeOutputFile } from '../../support/output-file.js';
import type { Toolchain } from '../../toolchain/toolchain-types.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { pour, print } from '../output-stream.js';
import { formatAge } from '../text/age.js';
import { formatSize } from '../text/size.js';
import { formatTable } from '../text/table.js';
import { escapeControls } from '../text/terminal-text.js';
import { choose } from './choose.js';
import { openToolchain } from './open-toolchain.js';

const CACHE_MOUNT = { command: 'tsbuild cache-mount' };

interface Action {
  /** The only option that it has. */
  readonly option: 'format' | 'input' | 'output';
  readonly takesId: boolean;
  readonly perform: (asked: Asked) => Promise<void>;
}

interface Asked {
  readonly toolchain: Toolchain;
  readonly host: Host;
  readonly id: string;
  /** Of the option. */
  readonly value: string | undefined;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ls: { option: 'format', takesId: false, perform: list },
  export: { option: 'output', takesId: true, perform: exportOne },
  import: { option: 'input', takesId: true, perform: importOne },
};

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [word = '', id] = parsed.positionals;
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
  if (action === undefined) {
    throw usageError(
      CACHE_MOUNT,
      `cannot ${word.slice(0, 100)} cache mounts: no such action`,
      'Use ls, export or import.',
    );
  }
  if (action.takesId !== (id !== undefined)) {
    const state = action.takesId ? 'no id is given' : 'it takes no id';
    throw usageError(CACHE_MOUNT, `cannot ${word} cache mounts: ${state}`, 'See tsbuild cache-mount ls for the ids.');
  }
  for (const option of ['format', 'input', 'output'] as const) {
    if (option === action.option || parsed.value(option) === undefined) continue;
    throw usageError(CACHE_MOUNT, `cannot use --${option} with ${word}: it has only --${action.option}`);
  }
  const value = parsed.value(action.option);
  checkValue(action, value, host);
  await using toolchain = await openToolchain(parsed, host);
  await action.perform({ toolchain, host, id: id ?? '', value });
}

function checkValue({ option }: Action, value: string | undefined, { stdin, stdout }: Host): void {
  if (option === 'format') choose(value, FORMATS, '--format');
  else if (option === 'output' && (value ?? '-') === '-' && stdout.isTTY === true) {
    const advice = 'Name a file with -o, or redirect standard output.';
    throw usageError(CACHE_MOUNT, 'cannot write the archive: standard output is a terminal', advice);
  } else if (option === 'input' && (value ?? '-') === '-' && stdin.isTTY === true) {
    const advice = 'Name a file with -i, or redirect standard input.';
    throw usageError(CACHE_MOUNT, 'cannot read the archive: standard input is a terminal', advice);
  }
}

const FORMATS = { table, json } as const;

async function list({ toolchain, host, value }: Asked): Promise<void> {
  const mounts = await toolchain.pruneCacheMounts({ dryRun: true, signal: host.signal });
  const show = choose(value, FORMATS, '--format') ?? table;
  await print(host.stdout, show(mounts, host.now()));
}

function table(mounts: readonly PrunedCacheMount[], now: number): string {
  const rows = mounts.map(({ id, bytes, usedAt }) => {
    return [escapeControls(id), formatSize(bytes), `${formatAge(Math.max(0, now - usedAt))} ago`];
  });
  return formatTable([['CACHE MOUNT', 'SIZE', 'LAST USED'], ...rows]);
}

function json(mounts: readonly PrunedCacheMount[]): string {
  return mounts
    .map(({ id, bytes, usedAt }) => `${JSON.stringify({ id, bytes, usedAt: new Date(usedAt).toISOString() })}\n`)
    .join('');
}

async function exportOne({ toolchain, host, id, value = '-' }: Asked): Promise<void> {
  const { cwd, signal, stdout } = host;
  const archive = toolchain.exportCacheMount(id, { signal });
  // It may hold what others on the machine should not read.
  if (value !== '-') await writeOutputFile(value, archive, { cwd, mode: 0o600, signal });
  else await pour(archive, stdout, { what: 'the archive', signal });
}

async function importOne({ toolchain, host, id, value = '-' }: Asked): Promise<void> {
  const archive = value === '-' ? host.stdin : readFile(value, host);
  await toolchain.importCacheMount(id, archive, { signal: host.signal });
}

async function* readFile(path: string, { cwd }: Host): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(resolve(cwd, path));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const state = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : code;
    throw usageError(CACHE_MOUNT, `cannot read archive "${path}": ${state}`, 'Check the path.');
  }
}
