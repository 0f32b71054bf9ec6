import { printDryRun } from '../calls/dry-run.js';
import { lazyToolchain } from '../commands/open-toolchain.js';
import { runTransfer } from '../commands/transfer-activity.js';
import type { BakeContext, TargetCommand } from './target-command.js';
import { readTargets, readTasks } from './target-tasks.js';

/** Tells what building targets in one graph would do. */
export async function dryRunTargets(commands: readonly TargetCommand[], { parsed, host }: BakeContext): Promise<void> {
  const targets = readTargets(commands, host);
  const explanation = await runTransfer(host, { title: 'Looking', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const tasks = await readTasks(targets, { host, toolchain: () => lazy.get(), progress });
    const requests = tasks.map(({ request }) => request);
    return await (await lazy.get()).explainAll(requests, { progress, signal: host.signal });
  });
  await printDryRun(explanation, parsed, host);
}
