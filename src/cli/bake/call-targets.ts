import { textOf } from '../../bake/target/field.js';
import { callOf, type Call } from '../calls/call.js';
import { runCall } from '../calls/run-call.js';
import { EndWithStatus } from '../errors/end-with-status.js';
import { print } from '../output-stream.js';
import { plainLine } from '../text/terminal-text.js';
import type { BakeContext, TargetCommand } from './target-command.js';

/** Answers of each target what its `call` asks, under its name. The status is the first one that is no success. */
export async function callTargets(asked: readonly TargetCommand[], { parsed, host }: BakeContext): Promise<void> {
  const settings = (parsed.value('call') ?? '').split(',').slice(1);
  let status: EndWithStatus | undefined;
  for (const [number, one] of asked.entries()) {
    const call = callWith(one, settings);
    if (call === undefined) continue;
    if (call.format === 'text') await print(host.stdout, `${number === 0 ? '' : '\n'}${headingOf(one)}\n\n`);
    try {
      await runCall(call, one.parsed, host);
    } catch (error) {
      if (!(error instanceof EndWithStatus)) throw error;
      status ??= error;
    }
  }
  if (status !== undefined) throw status;
}

function callWith({ target, parsed }: TargetCommand, settings: readonly string[]): Call | undefined {
  const call = [textOf(target, 'call') ?? '', ...settings].join(',');
  return callOf({ ...parsed, value: (name) => (name === 'call' ? call : parsed.value(name)) });
}

function headingOf({ target }: TargetCommand): string {
  const description = textOf(target, 'description') ?? '';
  return [target.name, ...(description === '' ? [] : [description])].map(plainLine).join('\n');
}
