import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const tag = parsed.value('tag');
  if (tag === undefined) {
    const advice = 'Give the image a name with -t.';
    throw usageError({ command: 'tsbuild bootstrap' }, 'cannot make a base image: it has no name', advice);
  }
  const mode = parsed.flag('quiet') ? 'quiet' : progressMode(parsed.value('progress'), host);
  const result = await withRenderer(
    await openRenderer(mode, host),
    async (progress) => {
      await using toolchain = await openToolchain(parsed, host);
      return await toolchain.bootstrap({ tag, include: parsed.list('include') }, { progress, signal: host.signal });
    },
    (built) => built,
  );
  if (mode === 'quiet') await print(host.stdout, `${result.imageId}\n`);
}
