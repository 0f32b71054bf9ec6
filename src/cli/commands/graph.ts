import { renderGraph } from '../../builder/graph-dot.js';
import type { ParsedArguments } from '../argv.js';
import { readBuildRequest } from '../build-request.js';
import { forOnePlatform } from '../platforms.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { lazyToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const plan = await runTransfer(host, { title: 'Planning', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const request = forOnePlatform(await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity }));
    return await (await lazy.get()).plan(request, activity);
  });
  await print(host.stdout, renderGraph(plan.graph));
}
