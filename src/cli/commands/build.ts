import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildResult } from '../../builder/build-request.js';
import type { ParsedArguments } from '../argv.js';
import { callOf } from '../calls/call.js';
import { readBuildRequest } from '../build-request.js';
import type { Host } from '../host.js';
import { writeOutputFile } from '../../support/output-file.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { lazyToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const call = callOf(parsed);
  if (call !== undefined) {
    const { runCall } = await import('../calls/run-call.js');
    await runCall(call, parsed, host);
    return;
  }
  const mode = parsed.flag('quiet') ? 'quiet' : progressMode(parsed.value('progress'), host);
  const idFile = parsed.value('iidfile');
  const result = await withRenderer(
    await openRenderer(mode, host),
    async (progress) => {
      // Whoever reads the file after a failed build must not find the image of the build before.
      if (idFile !== undefined) await rm(resolve(host.cwd, idFile), { force: true });
      await using lazy = lazyToolchain(parsed, host);
      const activity = { progress, signal: host.signal };
      const request = await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity });
      const built = await (await lazy.get()).build(request, activity);
      if (idFile !== undefined) await writeIdFile(idFile, host.cwd, built);
      return built;
    },
    (built) => built,
  );
  if (mode === 'quiet') await print(host.stdout, `${result.imageId}\n`);
}

/** Without an end of line, as Docker writes it. */
async function writeIdFile(path: string, cwd: string, { imageId }: BuildResult): Promise<void> {
  await writeOutputFile(path, single(Buffer.from(imageId)), { cwd, mode: 0o644, brief: true });
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes);
}
