import { renderGraph } from '../../builder/graph-dot.js';
import type { ParsedArguments } from '../argv.js';
import { readBuildRequest } from '../build-request.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const plan = await runTransfer(host, { title: 'Planning', quiet: false }, async (progress) => {
    const request = await readBuildRequest(parsed, host);
    await using toolchain = await openToolchain(parsed, host);
    return await toolchain.plan(request, { progress, signal: host.signal });
  });
  await print(host.stdout, renderGraph(plan.graph));
}
