import { pipeline } from 'node:stream/promises';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { outputError } from '../output-error.js';
import { writeOutputFile } from '../output-file.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const output = parsed.value('output') ?? '-';
  if (output === '-' && host.stdout.isTTY === true) {
    const advice = 'Name a file with -o, or redirect standard output.';
    throw usageError({ command: 'tsbuild save' }, 'cannot write the archive: standard output is a terminal', advice);
  }
  await runTransfer(host, { title: 'Saving', quiet: false }, async (progress) => {
    await using toolchain = await openToolchain(parsed, host);
    const archive = await toolchain.save(parsed.positionals, { progress, signal: host.signal });
    // Images may hold what others on the machine should not read; docker save does the same.
    if (output !== '-') await writeOutputFile(output, archive, { cwd: host.cwd, mode: 0o600, signal: host.signal });
    else await writeStandardOutput(archive, host);
  });
}

async function writeStandardOutput(archive: AsyncIterable<Uint8Array>, { stdout, signal }: Host): Promise<void> {
  try {
    await pipeline(archive, stdout, { signal, end: false });
  } catch (error) {
    throw outputError('the archive', error);
  }
}
