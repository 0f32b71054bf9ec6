import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { familiarName, parseReference } from '../../oci/reference.js';
import { systemErrorCode } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

/** Archives are large: bigger reads halve the time spent on them. */
const READ_SIZE = 1024 * 1024;
const LOAD = { command: 'tsbuild load' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const source = await openArchive(parsed.value('input') ?? '-', host);
  const loaded = await runTransfer(host, { title: 'Loading', quiet: parsed.flag('quiet') }, async (progress) => {
    await using toolchain = await openToolchain(parsed, host);
    return await toolchain.load(source, { progress, signal: host.signal });
  });
  const lines = loaded.map(({ name, imageId }) =>
    name === null ? `Loaded image ID: ${imageId}\n` : `Loaded image: ${familiarName(parseReference(name))}\n`,
  );
  await print(host.stdout, lines.join(''));
}

async function openArchive(input: string, host: Host): Promise<AsyncIterable<Uint8Array>> {
  if (input === '-') {
    if (host.stdin.isTTY !== true) return host.stdin;
    const advice = 'Name a file with -i, or redirect standard input.';
    throw usageError(LOAD, 'cannot read the archive: standard input is a terminal', advice);
  }
  try {
    const file = await open(resolve(host.cwd, input), 'r');
    return file.createReadStream({ highWaterMark: READ_SIZE });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const state = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : code;
    throw usageError(LOAD, `cannot read archive "${input}": ${state}`, 'Check the path.');
  }
}
