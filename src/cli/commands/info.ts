import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { storeRoot } from '../store-root.js';
import { machineText } from '../text/machine-text.js';
import { choose } from './choose.js';

const FORMATS = { text: 'text', json: 'json' } as const;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.flag('json') ? 'json' : (choose(parsed.value('format'), FORMATS, '--format') ?? 'text');
  const { describeMachine } = await import('../../toolchain/describe-machine.js');
  const report = await describeMachine({ storeRoot: storeRoot(parsed.value('store'), host), env: host.env });
  await print(host.stdout, format === 'json' ? `${JSON.stringify(report)}\n` : machineText(report));
}
