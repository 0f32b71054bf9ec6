import { drawnGraph } from '../../builder/drawn-graph.js';
import { TsbuildError } from '../../support/errors.js';
import type { ParsedArguments } from '../argv.js';
import { readBuildRequest } from '../build-request.js';
import { forOnePlatform } from '../options/platforms.js';
import type { Host } from '../host.js';
import { isTerminal, print } from '../output-stream.js';
import { drawPicture, formatOfName, PICTURE_FORMATS } from '../picture/picture.js';
import { writeBytes } from '../results/write-bytes.js';
import { choose } from './choose.js';
import { lazyToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const output = parsed.value('output');
  const file = output === '-' ? undefined : output;
  const format = choose(parsed.value('format'), PICTURE_FORMATS, '--format') ?? formatOfName(file ?? '');
  if (format === 'png' && file === undefined && isTerminal(host.stdout)) {
    throw new TsbuildError('USAGE', 'cannot write a picture: standard output is a terminal', {
      hint: 'Name a file with -o, or redirect standard output.',
    });
  }
  const plan = await runTransfer(host, { title: 'Planning', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const request = forOnePlatform(await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity }));
    return await (await lazy.get()).plan(request, activity);
  });
  const picture = await drawPicture(drawnGraph(plan.graph), format);
  if (file === undefined) await print(host.stdout, picture);
  else await writeBytes(file, picture, host.cwd);
}
