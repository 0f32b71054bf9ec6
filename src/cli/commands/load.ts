import { accessSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { familiarName, parseReference } from '../../oci/reference.js';
import { systemErrorCode } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { platform } from '../build-request.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

const LOAD = { command: 'tsbuild load' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const source = archiveSource(parsed.list('input'), host);
  const streamName = 'the archive on the standard input';
  const options = { platform: platform(parsed.value('platform')), streamName, signal: host.signal };
  const view = { title: 'Loading', quiet: parsed.flag('quiet'), progress: parsed.value('progress') };
  const loaded = await runTransfer(host, view, async (progress) => {
    await using toolchain = await openToolchain(parsed, host);
    return await toolchain.load(source, { ...options, progress });
  });
  const lines = loaded.map(({ name, imageId }) =>
    name === null ? `Loaded image ID: ${imageId}\n` : `Loaded image: ${familiarName(parseReference(name))}\n`,
  );
  await print(host.stdout, lines.join(''));
}

function archiveSource(inputs: readonly string[], host: Host): AsyncIterable<Uint8Array> | readonly string[] {
  if (inputs.some((input) => input !== '-')) {
    if (inputs.includes('-')) throw usageError(LOAD, 'cannot read archive "-": files are given as well');
    return inputs.map((input) => archivePath(input, host));
  }
  if (host.stdin.isTTY !== true) return host.stdin;
  const advice = 'Name a file with -i, or redirect standard input.';
  throw usageError(LOAD, 'cannot read the archive: standard input is a terminal', advice);
}

function archivePath(input: string, { cwd }: Host): string {
  const path = resolve(cwd, input);
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const state = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : code;
    const advice = existsSync(`${path}.001`) ? `It is in parts: give the first, ${input}.001.` : 'Check the path.';
    throw usageError(LOAD, `cannot read archive "${input}": ${state}`, advice);
  }
}
